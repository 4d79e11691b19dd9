import { GgufSyntaxError, GgufTruncatedError } from "./errors.ts";
import type { ByteSource } from "./source.ts";
import type { GgufNumber, ScalarType } from "./value_types.ts";

/** Headers beyond this are refused: the largest known ones take 30 MB. */
const MAX_HEADER_BYTES = 512 * 1024 ** 2;

/** How to walk through a source. */
export interface CursorOptions {
  /** Stops the walk at the next refill of the window. */
  signal?: AbortSignal | undefined;
  /** Bytes that are read and held at a time; 512 KiB unless told. */
  windowBytes?: number;
}

/**
 * Walks forward through a header of any size with one small window in memory.
 *
 * Only {@linkcode GgufCursor.fill} waits. A reader asks {@linkcode GgufCursor.has} first and fills only when that is
 * false, so that hundreds of thousands of short strings are one synchronous loop.
 */
export class GgufCursor {
  readonly #source: ByteSource;
  readonly #signal: AbortSignal | undefined;
  #window: Uint8Array<ArrayBuffer>;
  #view: DataView;
  /** Where in the source the window begins. */
  #windowOffset = 0;
  /** How much of the window is filled. */
  #filledBytes = 0;
  /** The next byte to be read, within the window. */
  #position = 0;

  /** Starts at the first byte; reads nothing yet. */
  constructor(source: ByteSource, { signal, windowBytes = 512 * 1024 }: CursorOptions = {}) {
    this.#source = source;
    this.#signal = signal;
    this.#window = new Uint8Array(Math.min(windowBytes, source.sizeBytes));
    this.#view = new DataView(this.#window.buffer);
  }

  /** The next byte to be read, from the start of the source. */
  get offset(): number {
    return this.#windowOffset + this.#position;
  }

  /** Length of the whole source. */
  get sizeBytes(): number {
    return this.#source.sizeBytes;
  }

  /** Whether the next bytes are in the window, so that they can be taken without waiting. */
  has(byteCount: number): boolean {
    return this.#position + byteCount <= this.#filledBytes;
  }

  /**
   * Reads on until the window has the next `byteCount` bytes.
   *
   * @throws {GgufTruncatedError} If the source ends before; nothing is allocated then.
   * @throws The reason of the signal.
   */
  async fill(byteCount: number): Promise<void> {
    this.demand(byteCount);
    this.#signal?.throwIfAborted();
    this.#moveToFront(byteCount);
    while (!this.has(byteCount)) {
      const into = this.#window.subarray(this.#filledBytes);
      const readBytes = await this.#source.read(this.#windowOffset + this.#filledBytes, into);
      this.#signal?.throwIfAborted();
      const endOffset = this.#windowOffset + this.#filledBytes;
      if (readBytes <= 0) throw new GgufTruncatedError(endOffset, this.offset + byteCount);
      this.#filledBytes += readBytes;
    }
  }

  /**
   * Asserts that the source goes on for so many bytes, read or not.
   *
   * @throws {GgufTruncatedError} If it does not.
   * @throws {GgufSyntaxError} If a header of that length is absurd.
   */
  demand(byteCount: number): void {
    const endOffset = this.offset + byteCount;
    if (endOffset > this.#source.sizeBytes) throw new GgufTruncatedError(this.#source.sizeBytes, endOffset);
    if (endOffset > MAX_HEADER_BYTES) {
      throw new GgufSyntaxError(`its header is longer than ${MAX_HEADER_BYTES} bytes`, this.offset);
    }
  }

  /** Steps over bytes, which are not read if they lie beyond the window. */
  skip(byteCount: number): void {
    if (this.has(byteCount)) {
      this.#position += byteCount;
      return;
    }
    this.demand(byteCount);
    this.#windowOffset = this.offset + byteCount;
    this.#filledBytes = 0;
    this.#position = 0;
  }

  /** Looks at the bytes of the window that come next, at most so many. */
  peekBytes(maxBytes: number): Uint8Array {
    return this.#window.subarray(this.#position, Math.min(this.#position + maxBytes, this.#filledBytes));
  }

  /** Takes a u32. Needs 4 bytes in the window. */
  takeU32(): number {
    const value = this.#view.getUint32(this.#position, true);
    this.#position += 4;
    return value;
  }

  /**
   * Takes a u64 that stands for a size or a count. Needs 8 bytes in the window.
   *
   * @param what Names it in the error: `the length of a string`.
   * @throws {GgufSyntaxError} If it is beyond `max`, as are all the ones that are negative to a signed reader.
   */
  takeU64(what: string, max: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.#view.getUint32(this.#position, true) +
      this.#view.getUint32(this.#position + 4, true) * 2 ** 32;
    if (value > max) throw new GgufSyntaxError(`${what} is ${value}, at most ${max} is allowed`, this.offset);
    this.#position += 8;
    return value;
  }

  /** Takes one metadata value. Needs its size in the window. */
  takeScalar(type: ScalarType): GgufNumber {
    const value = type.read(this.#view, this.#position);
    this.#position += type.sizeBytes;
    return value;
  }

  /** Takes bytes, as a view that is good until the next fill. Needs them in the window. */
  takeBytes(byteCount: number): Uint8Array {
    const bytes = this.#window.subarray(this.#position, this.#position + byteCount);
    this.#position += byteCount;
    return bytes;
  }

  #moveToFront(byteCount: number): void {
    const unread = this.#window.subarray(this.#position, this.#filledBytes);
    if (byteCount > this.#window.byteLength) {
      this.#window = new Uint8Array(byteCount);
      this.#view = new DataView(this.#window.buffer);
    }
    this.#windowOffset = this.offset;
    this.#window.set(unread);
    this.#filledBytes = unread.byteLength;
    this.#position = 0;
  }
}
