/**
 * Watches the stream of an answer that passes through byte for byte: it hands on whole events only, so that a stream which
 * breaks in the middle of one never leaves a client with half a JSON object, and knows whether it ended as it must.
 */
export interface StreamWatch {
  /** Events with data, or lines, seen whole. Comments and pings do not count. */
  readonly dataEventCount: number;
  /** Of these, those that carry generated text, reasoning or a tool call: as good as always one token each. */
  readonly tokenCount: number;
  /** The end that the format has for an answer was seen. */
  readonly isDone: boolean;
  /** The upstream itself told of an error inside the stream, which is the last thing that it says. */
  readonly hasError: boolean;
  /**
   * Takes the next bytes from the upstream.
   *
   * @returns All whole events so far not handed on, unchanged; empty while one is incomplete.
   * @throws {RangeError} If one event is longer than anybody would send.
   */
  push(chunk: Uint8Array): Uint8Array;
}
