import { lastIndexOfBytes, startsWith } from "./bytes.ts";
import { GrowingBytes } from "./growing_bytes.ts";
import type { StreamWatch } from "./stream_watch.ts";

const LF = 10;
const encoder = new TextEncoder();
const ERROR = encoder.encode('{"error"');
/** Behind the message, whose tool calls may hold any keys. */
const DONE_KEY = encoder.encode('"done":');
const TRUE = encoder.encode("true");
const NOTHING = new Uint8Array(0);

/** The longest line that is held back until it is whole, bytes. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;

/** Watches an answer of Ollama: lines of JSON, of which the last one has `"done":true`. */
export class LineWatch implements StreamWatch {
  /** Lines seen whole. */
  dataEventCount = 0;
  /** Of these, pieces of the answer. */
  tokenCount = 0;
  /** A line with `"done":true` was seen. */
  isDone = false;
  /** A line with an error was seen. */
  hasError = false;

  #pending: GrowingBytes | undefined;

  /**
   * Takes the next bytes from the upstream.
   *
   * @returns All whole lines so far not handed on, unchanged; empty while one is incomplete. Nothing that comes behind an
   *   error.
   * @throws {RangeError} If one line exceeds 16 MiB.
   */
  push(chunk: Uint8Array): Uint8Array {
    if (this.hasError) return NOTHING;
    const lineFeed = chunk.lastIndexOf(LF);
    const bytes = this.#pending?.append(chunk) ?? chunk;
    const wholeBytes = lineFeed < 0 ? 0 : bytes.byteLength - chunk.byteLength + lineFeed + 1;
    const restBytes = bytes.byteLength - wholeBytes;
    if (restBytes > MAX_LINE_BYTES) {
      throw new RangeError(`Cannot pass on a line of more than ${MAX_LINE_BYTES} bytes`);
    }
    if (restBytes === 0) this.#pending = undefined;
    else if (wholeBytes > 0 || !this.#pending) this.#pending = new GrowingBytes(bytes.subarray(wholeBytes));
    return bytes.subarray(0, this.#scan(bytes.subarray(0, wholeBytes)));
  }

  /** Counts the lines, up to an error; returns the offset behind the last one. */
  #scan(lines: Uint8Array): number {
    for (let at = 0; at < lines.byteLength;) {
      const end = lines.indexOf(LF, at);
      if (end > at + 1) this.#judge(lines.subarray(at, end));
      at = end + 1;
      if (this.hasError) return at;
    }
    return lines.byteLength;
  }

  #judge(line: Uint8Array): void {
    this.dataEventCount++;
    if (startsWith(line, 0, ERROR)) {
      this.hasError = true;
      return;
    }
    const doneAt = lastIndexOfBytes(line, DONE_KEY);
    if (doneAt >= 0 && startsWith(line, doneAt + DONE_KEY.byteLength, TRUE)) this.isDone = true;
    else this.tokenCount++;
  }
}
