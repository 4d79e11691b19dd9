import { startsWith } from "./bytes.ts";
import { GrowingBytes } from "./growing_bytes.ts";
import { openaiMeaning } from "./openai_meaning.ts";
import type { EventMeaning } from "./event_meaning.ts";
import type { StreamWatch } from "./stream_watch.ts";

const LF = 10;
const CR = 13;
const DATA = new TextEncoder().encode("data:");
const NOTHING = new Uint8Array(0);

/** The longest event that is held back until it is whole, bytes. */
const MAX_EVENT_BYTES = 4 * 1024 * 1024;

/**
 * Watches a server-sent event stream that passes through byte for byte.
 *
 * It hands on whole events only, so that a stream which breaks in the middle of one never leaves a client
 * with half a JSON object; and it knows what a byte-idle timeout cannot: how many `data:` events there were
 * (comment lines are pings, not progress) and whether the stream ended as its dialect says it must.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export class SseWatch implements StreamWatch {
  /** `data:` events seen whole. Comments and pings do not count. */
  dataEventCount = 0;
  /** Of these, chunks that carry generated text, reasoning or a tool call: as good as always one token each. */
  tokenCount = 0;
  /** The event that ends an answer was seen, such as `data: [DONE]`. */
  isDone = false;
  /** The upstream itself told of an error inside the stream. */
  hasError = false;

  /** An event that has begun, how far it was looked at, where its last line begins, and whether it has data. */
  #pending: GrowingBytes | undefined;
  #searchedBytes = 0;
  #lineStart = 0;
  #hasData = false;

  /** Begins before the first byte. @param meaningOf What an event with data means, by its bytes; default: as OpenAI has it. */
  constructor(private readonly meaningOf: (event: Uint8Array) => EventMeaning = openaiMeaning) {}

  /** Bytes of an event that has begun and not ended. */
  get pendingBytes(): number {
    return this.#pending?.length ?? 0;
  }

  /**
   * Takes the next bytes from the upstream.
   *
   * @returns All whole events so far not handed on, unchanged; empty while an event is incomplete. The very
   *   same array as `chunk` in the usual case that it holds whole events. Nothing that comes behind an error.
   * @throws {RangeError} If one event exceeds 4 MiB.
   */
  push(chunk: Uint8Array): Uint8Array {
    if (this.hasError) return NOTHING;
    const bytes = this.#pending?.append(chunk) ?? chunk;
    const wholeBytes = this.#scan(bytes);
    const restBytes = bytes.byteLength - wholeBytes;
    if (restBytes > MAX_EVENT_BYTES) {
      throw new RangeError(`Cannot pass on an event of more than ${MAX_EVENT_BYTES} bytes`);
    }
    if (restBytes === 0 || this.hasError) this.#pending = undefined;
    else if (wholeBytes > 0 || !this.#pending) this.#pending = new GrowingBytes(bytes.subarray(wholeBytes));
    this.#searchedBytes = restBytes;
    this.#lineStart -= wholeBytes;
    return restBytes === 0 ? bytes : bytes.subarray(0, wholeBytes);
  }

  /** Counts the events in `bytes`, up to an error; returns the offset behind the last blank line. */
  #scan(bytes: Uint8Array): number {
    let eventEnd = 0;
    let searchFrom = this.#searchedBytes;
    while (!this.hasError) {
      const lineStart = this.#lineStart;
      const lineEnd = bytes.indexOf(LF, searchFrom);
      if (lineEnd < 0) return eventEnd;
      const isBlank = lineEnd === lineStart || (lineEnd === lineStart + 1 && bytes[lineStart] === CR);
      if (!isBlank) {
        if (startsWith(bytes, lineStart, DATA)) this.#hasData = true;
      } else {
        if (this.#hasData) this.#judge(bytes.subarray(eventEnd, lineEnd));
        this.#hasData = false;
        eventEnd = lineEnd + 1;
      }
      searchFrom = this.#lineStart = lineEnd + 1;
    }
    return eventEnd;
  }

  #judge(event: Uint8Array): void {
    this.dataEventCount++;
    const meaning = this.meaningOf(event);
    if (meaning === "token") this.tokenCount++;
    else if (meaning === "done") this.isDone = true;
    else if (meaning === "error") this.hasError = true;
  }
}
