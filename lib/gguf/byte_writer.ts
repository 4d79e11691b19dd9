import { alignUp } from "./alignment.ts";
import type { GgufNumber, ScalarType } from "./value_types.ts";

const UTF8 = new TextEncoder();

/** Appends little-endian values to an array that grows. */
export class ByteWriter {
  #buffer = new Uint8Array(4096);
  #view = new DataView(this.#buffer.buffer);
  #length = 0;

  /** What was written so far, as a copy. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#buffer.slice(0, this.#length);
  }

  /** Appends bytes as they are. */
  append(bytes: Uint8Array): void {
    const offset = this.#grow(bytes.length);
    this.#buffer.set(bytes, offset);
  }

  /** Appends a u32. */
  u32(value: number): void {
    const offset = this.#grow(4);
    this.#view.setUint32(offset, value, true);
  }

  /** Appends a u64. */
  u64(value: GgufNumber): void {
    const offset = this.#grow(8);
    this.#view.setBigUint64(offset, BigInt(value), true);
  }

  /** Appends a metadata value. */
  scalar(type: ScalarType, value: GgufNumber): void {
    const offset = this.#grow(type.sizeBytes);
    type.write(this.#view, offset, value);
  }

  /** Appends a string: its length as u64, then UTF-8. */
  string(value: string): void {
    const bytes = UTF8.encode(value);
    this.u64(bytes.length);
    this.append(bytes);
  }

  /** Appends zeros up to a multiple of `alignment`. */
  padTo(alignment: number): void {
    this.#grow(alignUp(this.#length, alignment) - this.#length);
  }

  /** Makes room and returns where it starts. It may replace the buffer: take `#view` only afterwards. */
  #grow(byteCount: number): number {
    const offset = this.#length;
    this.#length += byteCount;
    if (this.#length > this.#buffer.length) {
      this.#buffer = enlarged(this.#buffer, this.#length);
      this.#view = new DataView(this.#buffer.buffer);
    }
    return offset;
  }
}

function enlarged(buffer: Uint8Array<ArrayBuffer>, leastBytes: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(leastBytes, buffer.length * 2));
  larger.set(buffer);
  return larger;
}
