import type { SseEvent } from "./sse_event.ts";

/** No event of ours is longer, in characters. */
const MAX_EVENT_LENGTH = 4 * 1024 * 1024;

/**
 * Takes a stream of server-sent events apart, however it was cut into pieces.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export class SseReader {
  readonly #decoder = new TextDecoder(); // drops a byte order mark, as it is to be
  readonly #maxLength: number;
  /** Of a line that has not ended, in pieces: adding each to one string would copy it again and again. */
  #lineParts: string[] = [];
  #lineLength = 0;
  #endsWithReturn = false;
  #type = "";
  #dataLines: string[] = [];
  #dataLength = 0;

  /** Begins before the first byte. @param options With `maxLength`, the most characters of one event; default 4 Mi. */
  constructor({ maxLength = MAX_EVENT_LENGTH }: { maxLength?: number } = {}) {
    this.#maxLength = maxLength;
  }

  /**
   * Takes the next bytes.
   *
   * @returns The events that are whole now, in order. Comments, ids and events without data are left out.
   * @throws {RangeError} If an event is too long.
   */
  push(chunk: Uint8Array): SseEvent[] {
    let text = this.#decoder.decode(chunk, { stream: true });
    if (text === "") return [];
    if (this.#endsWithReturn && text.startsWith("\n")) text = text.slice(1); // the other half of a line's end
    this.#endsWithReturn = text.endsWith("\r");
    const events: SseEvent[] = [];
    const lines = text.split(/\r\n|\r|\n/);
    const rest = lines.pop()!;
    for (const line of lines) {
      const event = this.#takeLine(line);
      if (event) events.push(event);
    }
    this.#lineParts.push(rest);
    this.#lineLength = this.#checked(this.#lineLength + rest.length);
    return events;
  }

  #takeLine(end: string): SseEvent | undefined {
    const line = this.#lineParts.join("") + end;
    this.#lineParts = [];
    this.#lineLength = 0;
    if (line === "") return this.#takeEvent();
    const [, field, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!;
    if (field === "event") this.#type = value;
    if (field !== "data") return undefined;
    this.#dataLength = this.#checked(this.#dataLength + value.length + 1);
    this.#dataLines.push(value);
    return undefined;
  }

  #takeEvent(): SseEvent | undefined {
    const [type, lines] = [this.#type, this.#dataLines];
    this.#type = "";
    this.#dataLines = [];
    this.#dataLength = 0;
    return lines.length === 0 ? undefined : { type: type === "" ? "message" : type, data: lines.join("\n") };
  }

  #checked(length: number): number {
    if (length <= this.#maxLength) return length;
    throw new RangeError(`Cannot read an event of more than ${this.#maxLength} characters`);
  }
}
