import { BrokenAnswer } from "../dialects/broken_answer.ts";
import { GatewayError, messageOf } from "../errors.ts";
import type { HttpBody } from "../http/client.ts";
import { SseWatch } from "../stream/sse.ts";
import type { StreamWatch } from "../stream/stream_watch.ts";

/** A stream of events for a client, who pulls it. Read it to its end or cancel it. */
export interface AnswerEvents {
  /**
   * The next whole events.
   *
   * @returns Bytes that the caller owns; `null` after a proper end.
   * @throws {GatewayError} If the answer broke off; after that the stream is over.
   */
  read(): Promise<Uint8Array<ArrayBuffer> | null>;
  /** The client has left: nobody works for it any more. */
  cancel(): void;
}

/** How {@linkcode AnswerStream} follows the upstream. */
export interface AnswerStreamOptions {
  /** The upstream's answer; the stream reads or cancels it. */
  readonly body: HttpBody;
  /** Knows how the stream ends; default: as OpenAI's do. */
  readonly watch?: StreamWatch;
  /** Looks at the first events, before anybody has them; throws if an answer does not begin so. */
  readonly requireBeginning?: (events: Uint8Array) => void;
  /** Turns a broken connection into the reason behind it: it knows whether the coordinator died. */
  readonly explain: (thrown: unknown) => Promise<unknown>;
  /** Told once when the stream is over; `error` is undefined after a proper end. */
  readonly onEnd: (error: unknown, dataEventCount: number) => void;
}

/**
 * A stream of events on its way from an upstream to a client: bytes untouched, only watched.
 *
 * Pull it with {@linkcode read}; nothing is read ahead, so a slow client slows the upstream.
 */
export class AnswerStream implements AnswerEvents {
  readonly #watch: StreamWatch;
  #first: Uint8Array<ArrayBuffer> | null = null;
  #isOver = false;

  private constructor(private readonly options: AnswerStreamOptions) {
    this.#watch = options.watch ?? new SseWatch();
  }

  /**
   * Waits for the first event with data, so that an upstream which dies before it can still be replaced. Comments before it
   * are left out: they say that a prompt is being read, and are no part of an answer.
   *
   * @throws Whatever broke, unexplained; `onEnd` is not called then, and the body is cancelled.
   */
  static async open(options: AnswerStreamOptions): Promise<AnswerStream> {
    const stream = new AnswerStream(options);
    try {
      do {
        stream.#first = await stream.#next();
      } while (stream.#first !== null && stream.#watch.dataEventCount === 0);
      if (stream.#first !== null) options.requireBeginning?.(stream.#first);
    } catch (error) {
      options.body.cancel();
      throw error;
    }
    return stream;
  }

  /** Whether the upstream itself told of an error, which is the last thing that it said. */
  get hasError(): boolean {
    return this.#watch.hasError;
  }

  /** Tokens that were handed on so far, as well as that can be told. */
  get tokenCount(): number {
    return this.#watch.tokenCount;
  }

  /**
   * The next whole events.
   *
   * @returns Bytes that the caller owns; `null` after a proper end (that of the format, such as `[DONE]`, or an error
   *   event of the upstream's own).
   * @throws {BrokenAnswer} If the upstream broke off; after that the stream is over.
   */
  async read(): Promise<Uint8Array<ArrayBuffer> | null> {
    try {
      const events = this.#first ?? await this.#next();
      this.#first = null;
      return events ?? this.#end(undefined);
    } catch (thrown) {
      this.options.body.cancel();
      if (this.#hasSaidAll) return this.#end(undefined);
      const error = this.#counted(await this.options.explain(thrown));
      this.#end(error);
      throw error;
    }
  }

  /** The client has left: closing the upstream's connection cancels its work. */
  cancel(): void {
    this.options.body.cancel();
    this.#end(new GatewayError("client_closed", "The client left before the answer was whole"));
  }

  async #next(): Promise<Uint8Array<ArrayBuffer> | null> {
    for (;;) {
      const chunk = await this.options.body.read();
      if (chunk === null) return this.#properEnd();
      const events = this.#whole(chunk);
      if (events.byteLength > 0) return events.slice(); // the chunk is a view of the connection's buffer
    }
  }

  #whole(chunk: Uint8Array): Uint8Array {
    try {
      return this.#watch.push(chunk);
    } catch (cause) {
      throw brokeOff(cause); // an event without end
    }
  }

  /** Nothing can follow for the client, however the connection ends. */
  get #hasSaidAll(): boolean {
    return this.#watch.isDone || this.#watch.hasError;
  }

  #counted(error: unknown): unknown {
    return error instanceof GatewayError ? new BrokenAnswer(error, this.#watch.tokenCount) : error;
  }

  #properEnd(): null {
    if (this.#hasSaidAll) return null;
    const { dataEventCount } = this.#watch;
    throw new GatewayError(
      "upstream_failed",
      `The answer ended early, after ${dataEventCount} events; ask again`,
    );
  }

  #end(error: unknown): null {
    if (this.#isOver) return null;
    this.#isOver = true;
    this.options.onEnd(error, this.#watch.dataEventCount);
    return null;
  }
}

/** A sentence for whatever broke an answer of which the client has had a part. */
export function brokeOff(cause: unknown): GatewayError {
  if (cause instanceof GatewayError) return cause;
  return new GatewayError("upstream_failed", `The answer broke off: ${messageOf(cause)}; ask again`, {
    cause,
  });
}
