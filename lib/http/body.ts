import type { BodyDecoder } from "./body_decoder.ts";
import type { Connection } from "./connection.ts";
import { HttpLimitError } from "./error.ts";
import type { Exchange } from "./exchange.ts";
import type { Framing } from "./framing.ts";
import type { HeaderList } from "./headers.ts";

/**
 * The body of an answer. Read it to its `null` or cancel it: until then it holds its connection.
 * Nothing is read from the socket but by `read()`: a slow reader slows the upstream down.
 */
export interface HttpBody {
  /** How its end is known. One that ends by `close` may have been cut without anybody noticing. */
  readonly framing: Framing;
  /** `complete`: its proper end was read. `failed`: by the peer, a timeout, an abort or broken framing. */
  readonly ended: "open" | "complete" | "failed" | "cancelled";
  /** What a chunked body carried behind its last chunk; empty until it is complete. Not to be taken for headers. */
  readonly trailers: HeaderList;
  /**
   * The next bytes, at least one, as soon as there are any; null at the proper end, and from then on.
   *
   * They are a view into the connection's buffer and valid until the next call of any method: `slice()` what you
   * keep or hand to a stream. The borders between pieces mean nothing.
   *
   * @throws {HttpError} If the body cannot be read to its end; again at each later call.
   * @throws The reason of the request's signal, once that aborted.
   * @throws {TypeError} If the last call has not settled.
   */
  read(): Promise<Uint8Array | null>;
  /**
   * All that is left, as a copy.
   *
   * @throws {HttpError} `too_large` if it is more than `maxBytes`; the connection is closed then.
   */
  bytes(maxBytes: number): Promise<Uint8Array>;
  /** All that is left, as UTF-8; malformed sequences become U+FFFD. @see {@linkcode bytes} */
  text(maxBytes: number): Promise<string>;
  /** Gives up what is left and closes the connection, so that the upstream stops working for it. */
  cancel(): void;
}

/** The body of the answer that an exchange received. */
export class ExchangeBody implements HttpBody {
  readonly framing: Framing;
  readonly #exchange: Exchange;
  readonly #decoder: BodyDecoder;
  #ended: "open" | "complete" | "cancelled" = "open";
  #isReading = false;

  /** Completes the exchange at once if there is nothing to read. */
  constructor(exchange: Exchange, framing: Framing, decoder: BodyDecoder) {
    this.framing = framing;
    this.#exchange = exchange;
    this.#decoder = decoder;
    if (decoder.complete) this.#complete();
  }

  get ended(): HttpBody["ended"] {
    return this.#ended === "open" && this.#exchange.connection.isClosed ? "failed" : this.#ended;
  }

  get trailers(): HeaderList {
    return this.#decoder.trailers;
  }

  async read(): Promise<Uint8Array | null> {
    if (this.#isReading) {
      throw new TypeError("Cannot read a body twice at once: wait for the last read() to settle");
    }
    if (this.#ended === "complete") return null;
    const { connection } = this.#exchange;
    if (connection.isClosed) throw connection.closedBecause;
    this.#isReading = true;
    try {
      while (!this.#decoder.complete) {
        if (connection.start === connection.end && !(await connection.fill())) {
          if (this.#decoder.mayEnd) break;
          throw this.#exchange.closedEarly();
        }
        const payload = this.#decode(connection);
        if (payload) return payload;
      }
      this.#complete();
      return null;
    } catch (error) {
      throw this.#exchange.fail(error);
    } finally {
      this.#isReading = false;
    }
  }

  async bytes(maxBytes: number): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    let size = 0;
    for (let piece = await this.read(); piece !== null; piece = await this.read()) {
      size += piece.byteLength;
      if (size > maxBytes) {
        throw this.#exchange.fail(new HttpLimitError(`it has more than ${maxBytes} bytes`));
      }
      pieces.push(piece.slice());
    }
    return joined(pieces, size);
  }

  async text(maxBytes: number): Promise<string> {
    return new TextDecoder().decode(await this.bytes(maxBytes));
  }

  cancel(): void {
    if (this.ended !== "open") return;
    this.#ended = "cancelled";
    this.#exchange.abandon("closed", "its reader cancelled it");
  }

  #decode(connection: Connection): Uint8Array | undefined {
    const decoder = this.#decoder;
    connection.start = decoder.decode(connection.buffer, connection.start, connection.end);
    if (decoder.payloadStart === decoder.payloadEnd) return undefined;
    return connection.buffer.subarray(decoder.payloadStart, decoder.payloadEnd);
  }

  #complete(): void {
    this.#ended = "complete";
    this.#exchange.complete();
  }
}

function joined(pieces: Uint8Array[], size: number): Uint8Array {
  if (pieces.length === 1) return pieces[0]!;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.byteLength;
  }
  return whole;
}
