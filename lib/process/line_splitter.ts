const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** How {@linkcode LineSplitter} cuts. */
export interface LineSplitterOptions {
  /** Bytes kept of one line; the rest of it is counted and dropped. Default 16 KiB. */
  maxLineBytes?: number;
}

/**
 * Cuts a byte stream into lines in constant memory: a line without end costs no more than `maxLineBytes`.
 *
 * Lines end with LF or CRLF. Bytes that are no UTF-8 become U+FFFD; a long line ends in `… (+123 bytes)`.
 */
export class LineSplitter {
  readonly #kept: Uint8Array;
  #keptBytes = 0;
  #droppedBytes = 0;
  readonly #decoder = new TextDecoder();

  /**
   * Reserves `maxLineBytes` at once, and no more later.
   *
   * @param onLine Hears each line, without its end.
   */
  constructor(
    private readonly onLine: (line: string) => void,
    { maxLineBytes = 16 * 1024 }: LineSplitterOptions = {},
  ) {
    this.#kept = new Uint8Array(maxLineBytes);
  }

  /** Takes the next bytes and hands over each line that they complete. */
  push(chunk: Uint8Array): void {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      this.#append(chunk.subarray(start, end));
      this.#handOver();
      start = end + 1;
    }
    this.#append(chunk.subarray(start));
  }

  /** Hands over what came after the last line feed, if anything did. */
  end(): void {
    if (this.#keptBytes > 0) this.#handOver();
  }

  #append(bytes: Uint8Array): void {
    const fitting = bytes.subarray(0, this.#kept.length - this.#keptBytes);
    this.#kept.set(fitting, this.#keptBytes);
    this.#keptBytes += fitting.length;
    this.#droppedBytes += bytes.length - fitting.length;
  }

  #handOver(): void {
    const isCrLf = this.#droppedBytes === 0 && this.#kept[this.#keptBytes - 1] === CARRIAGE_RETURN;
    const text = this.#decoder.decode(this.#kept.subarray(0, this.#keptBytes - (isCrLf ? 1 : 0)));
    const line = this.#droppedBytes === 0 ? text : `${text}… (+${this.#droppedBytes} bytes)`;
    this.#keptBytes = 0;
    this.#droppedBytes = 0;
    this.onLine(line);
  }
}
