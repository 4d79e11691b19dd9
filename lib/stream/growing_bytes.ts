/** Bytes that come piece by piece; what is there already is not copied again with each piece. */
export class GrowingBytes {
  #buffer: Uint8Array<ArrayBuffer>;
  #length: number;

  /** Begins with a copy of these. */
  constructor(first: Uint8Array) {
    this.#buffer = first.slice();
    this.#length = first.byteLength;
  }

  /** How many there are. */
  get length(): number {
    return this.#length;
  }

  /** Adds some at the end. @returns All of them; a view that is good until the next call. */
  append(piece: Uint8Array): Uint8Array {
    const length = this.#length + piece.byteLength;
    if (length > this.#buffer.byteLength) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#buffer.byteLength));
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(piece, this.#length);
    this.#length = length;
    return this.#buffer.subarray(0, length);
  }
}
