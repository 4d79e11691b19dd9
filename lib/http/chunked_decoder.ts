import type { BodyDecoder } from "./body_decoder.ts";
import { HttpLimitError, HttpSyntaxError } from "./error.ts";
import { CR, isBlank, LF } from "./grammar.ts";
import type { HeaderList } from "./headers.ts";
import type { HttpLimits } from "./limits.ts";
import { parseHeaderLines } from "./response_head.ts";

/** What the next octet must be part of. */
type State =
  | "size"
  | "before-extension"
  | "extension"
  | "size-lf"
  | "data"
  | "data-cr"
  | "data-lf"
  | "trailers"
  | "complete";

const SEMICOLON = 0x3b;

/**
 * Decodes `Transfer-Encoding: chunked`, cut anywhere. The payload of all chunks in one read is moved together:
 * their borders mean nothing, and each piece that a reader is handed costs it far more than the move.
 *
 * @see RFC 9112 section 7.1
 */
export class ChunkedDecoder implements BodyDecoder {
  payloadStart = 0;
  /** The end of what `payloadStart` begins. */
  payloadEnd = 0;
  /** Filled when the body is complete. They are told apart from headers and must not be merged with them. */
  trailers: HeaderList = [];
  readonly #limits: HttpLimits;
  readonly #trailerBytes: number[] = [];
  #state: State = "size";
  #missingBytes = 0;
  #digitCount = 0;
  #lineBytes = 0;
  #failure: unknown;

  /** Expects the first chunk's size. */
  constructor(limits: HttpLimits) {
    this.#limits = limits;
  }

  get complete(): boolean {
    return this.#state === "complete";
  }

  get mayEnd(): boolean {
    return this.complete;
  }

  decode(bytes: Uint8Array, start: number, end: number): number {
    this.payloadStart = this.payloadEnd = start;
    if (this.#failure) throw this.#failure;
    let at = start;
    try {
      while (at < end && this.#state !== "complete") {
        if (this.#state === "data") at = this.#takeData(bytes, at, end);
        else {
          this.#takeOctet(bytes[at]!);
          at++;
        }
      }
    } catch (error) {
      if (this.payloadStart === this.payloadEnd) throw error;
      this.#failure = error; // what came before is good, and would have been given out had it come alone
    }
    return at;
  }

  #takeData(bytes: Uint8Array, at: number, end: number): number {
    const count = Math.min(this.#missingBytes, end - at);
    if (this.payloadStart === this.payloadEnd) this.payloadStart = this.payloadEnd = at; // the first piece stays
    else bytes.copyWithin(this.payloadEnd, at, at + count);
    this.payloadEnd += count;
    this.#missingBytes -= count;
    if (this.#missingBytes === 0) this.#state = "data-cr";
    return at + count;
  }

  #takeOctet(octet: number): void {
    switch (this.#state) {
      case "size":
        return this.#takeSizeOctet(octet);
      case "before-extension":
        this.#countLineByte();
        if (octet === SEMICOLON) this.#state = "extension";
        else if (!isBlank(octet)) throw new HttpSyntaxError("a chunk's size is malformed");
        return;
      case "extension":
        this.#countLineByte();
        if (octet === CR) this.#state = "size-lf";
        else if ((octet < 0x20 && !isBlank(octet)) || octet === 0x7f) {
          throw new HttpSyntaxError("a chunk's extension holds a control character");
        }
        return;
      case "size-lf":
        this.#expect(octet, LF);
        return this.#endSizeLine();
      case "data-cr":
        this.#expect(octet, CR);
        this.#state = "data-lf";
        return;
      case "data-lf":
        this.#expect(octet, LF);
        this.#state = "size";
        return;
      case "trailers":
        return this.#takeTrailerOctet(octet);
    }
  }

  #takeSizeOctet(octet: number): void {
    this.#countLineByte();
    const digit = hexDigit(octet);
    if (digit !== -1) {
      this.#digitCount++;
      this.#missingBytes = this.#missingBytes * 16 + digit;
      if (this.#missingBytes > Number.MAX_SAFE_INTEGER) {
        throw new HttpSyntaxError("a chunk's size is above 2⁵³");
      }
      return;
    }
    if (this.#digitCount === 0) throw new HttpSyntaxError("a chunk has no size");
    if (octet === CR) this.#state = "size-lf";
    else if (octet === SEMICOLON) this.#state = "extension";
    else if (isBlank(octet)) this.#state = "before-extension";
    else throw new HttpSyntaxError("a chunk's size is malformed");
  }

  #endSizeLine(): void {
    this.#digitCount = 0;
    this.#lineBytes = 0;
    this.#state = this.#missingBytes === 0 ? "trailers" : "data";
  }

  /** Gathers octets up to the empty line; the lines are parsed, and judged, only when it came. */
  #takeTrailerOctet(octet: number): void {
    const gathered = this.#trailerBytes;
    gathered.push(octet);
    if (gathered.length > this.#limits.trailerBytes) {
      throw new HttpLimitError(`its trailers have more than ${this.#limits.trailerBytes} bytes`);
    }
    if (octet !== LF) return;
    if (gathered.at(-2) !== CR) throw new HttpSyntaxError("a trailer ends in a bare line feed");
    if (gathered.length > 2 && gathered.at(-3) !== LF) return;
    this.trailers = parseHeaderLines(Uint8Array.from(gathered), this.#limits);
    this.#state = "complete";
  }

  #countLineByte(): void {
    if (++this.#lineBytes > this.#limits.chunkLineBytes) {
      throw new HttpLimitError(`a chunk's size line has more than ${this.#limits.chunkLineBytes} bytes`);
    }
  }

  #expect(octet: number, wanted: number): void {
    if (octet !== wanted) throw new HttpSyntaxError("a chunk does not end where its size says");
  }
}

function hexDigit(octet: number): number {
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30;
  const lower = octet | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
