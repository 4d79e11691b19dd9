import { fail } from "node:assert/strict";
import { eventually } from "./eventually.ts";

/** All that a program wrote to one of its streams, which is always read. */
export class Transcript {
  /** What has come so far. */
  text = "";
  /** Resolves at the end of the stream. */
  readonly ended: Promise<void>;
  readonly #reader: ReadableStreamDefaultReader<string>;
  #isOver = false;

  /** @param name For failures: `stdout of sollol serve`. */
  constructor(private readonly name: string, stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.pipeThrough(new TextDecoderStream() as ReadableWritablePair).getReader();
    this.ended = this.#read();
  }

  /** Whole lines so far. */
  get lines(): string[] {
    return this.text.split("\n").slice(0, -1);
  }

  /** Waits until a text matches; fails if the stream ends or 20 s pass before. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    const isThere = () => pattern.test(this.text);
    await eventually(`${this.name} says ${pattern}`, () => isThere() || this.#isOver, 20_000)
      .catch((error) => fail(`${error.message}. It said: ${this.text}`));
    return pattern.exec(this.text) ?? fail(`${this.name} ended without ${pattern}. It said: ${this.text}`);
  }

  /** Closes our end, as a reader does that has seen enough: the program's next write fails. */
  async leave(): Promise<void> {
    await this.#reader.cancel();
  }

  async #read(): Promise<void> {
    for (let part = await this.#reader.read(); !part.done; part = await this.#reader.read()) {
      this.text += part.value;
    }
    this.#isOver = true;
  }
}
