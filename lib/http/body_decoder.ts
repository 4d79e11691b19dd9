import { ChunkedDecoder } from "./chunked_decoder.ts";
import type { BodyPlan } from "./framing.ts";
import type { HeaderList } from "./headers.ts";
import type { HttpLimits } from "./limits.ts";

/** Finds a body's payload among the bytes of a connection, as they come. Pure: it reads no socket. */
export interface BodyDecoder {
  /** Where {@linkcode decode} left the payload in the array it was given; empty if the two are equal. */
  readonly payloadStart: number;
  /** The end of what {@linkcode payloadStart} begins. */
  readonly payloadEnd: number;
  /** Nothing of this body is missing. */
  readonly complete: boolean;
  /** The peer may close here: for a body that ends by close, and for one that is complete. */
  readonly mayEnd: boolean;
  /** What came behind the last chunk. */
  readonly trailers: HeaderList;
  /**
   * Takes bytes up to `end`, or to the end of the body. May move payload within `[start, end)` so that it lies together.
   *
   * @returns The offset of the first byte that was not taken: `end`, or less if the body is complete or broken there.
   * @throws {HttpSyntaxError | HttpLimitError} If the bytes break the framing; behind good payload, at the next call.
   */
  decode(bytes: Uint8Array, start: number, end: number): number;
}

/** The decoder that a plan asks for. */
export function createBodyDecoder(plan: BodyPlan, limits: HttpLimits): BodyDecoder {
  if (plan.framing === "chunked") return new ChunkedDecoder(limits);
  if (plan.framing === "close") return new UntilCloseDecoder();
  return new LengthDecoder(plan.lengthBytes);
}

class LengthDecoder implements BodyDecoder {
  payloadStart = 0;
  payloadEnd = 0;
  readonly trailers: HeaderList = [];
  #missingBytes: number;

  constructor(lengthBytes: number) {
    this.#missingBytes = lengthBytes;
  }

  get complete(): boolean {
    return this.#missingBytes === 0;
  }

  get mayEnd(): boolean {
    return this.complete;
  }

  decode(_bytes: Uint8Array, start: number, end: number): number {
    this.payloadStart = start;
    this.payloadEnd = Math.min(end, start + this.#missingBytes);
    this.#missingBytes -= this.payloadEnd - start;
    return this.payloadEnd;
  }
}

class UntilCloseDecoder implements BodyDecoder {
  payloadStart = 0;
  payloadEnd = 0;
  readonly complete = false;
  readonly mayEnd = true;
  readonly trailers: HeaderList = [];

  decode(_bytes: Uint8Array, start: number, end: number): number {
    this.payloadStart = start;
    this.payloadEnd = end;
    return end;
  }
}
