const LINE_FEED = 0x0a;

/** A line of a file, without its line feed. */
export interface ByteLine {
  /** From 1. */
  readonly number: number;
  /** Where it begins in the file. */
  readonly startByte: number;
  /** How long it is. */
  readonly byteCount: number;
  /** What it is; `undefined` if it is longer than what is kept of a line. */
  readonly bytes: Uint8Array | undefined;
}

/** Cuts a file into lines in bounded memory. What comes after the last line feed is a line, unless it is nothing. */
export class ByteLines {
  readonly #maxLineBytes: number;
  #parts: Uint8Array[] = [];
  #byteCount = 0;
  #startByte = 0;
  #number = 1;

  /** Of a line longer than that, nothing is kept. */
  constructor({ maxLineBytes }: { readonly maxLineBytes: number }) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** The lines that end within the next bytes. Valid until the caller reuses these. */
  *push(chunk: Uint8Array): Generator<ByteLine, void> {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      this.#append(chunk.subarray(start, end));
      yield this.#take();
      start = end + 1;
    }
    if (start < chunk.length) this.#append(chunk.slice(start)); // a copy: the chunk is gone when the line ends
  }

  /** The last line, if it has no line feed. */
  *end(): Generator<ByteLine, void> {
    if (this.#byteCount > 0) yield this.#take();
  }

  #append(part: Uint8Array): void {
    this.#byteCount += part.length;
    if (this.#byteCount <= this.#maxLineBytes) this.#parts.push(part);
    else this.#parts = [];
  }

  #take(): ByteLine {
    const isKept = this.#byteCount <= this.#maxLineBytes;
    const bytes = this.#parts.length === 1
      ? this.#parts[0]!
      : joined(this.#parts, isKept ? this.#byteCount : 0);
    const line = {
      number: this.#number++,
      startByte: this.#startByte,
      byteCount: this.#byteCount,
      bytes: isKept ? bytes : undefined,
    };
    this.#startByte += this.#byteCount + 1;
    this.#byteCount = 0;
    this.#parts = [];
    return line;
  }
}

function joined(parts: readonly Uint8Array[], byteCount: number): Uint8Array {
  const whole = new Uint8Array(byteCount);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
