import { joinBytes } from "../join_bytes.ts";
import { encodeSseEvent, encodeSseJson, type SseEvent } from "../stream/sse_event.ts";
import { SseReader } from "../stream/sse_reader.ts";
import { sumUsage } from "./openai_usage.ts";

/** No upstream's event that is passed on is longer, in characters. */
const MAX_EVENT_LENGTH = 8 * 1024 * 1024;
const DONE = "[DONE]";

/** A chunk of a chat or of a completion, as far as it matters here. */
interface Chunk {
  readonly choices?: readonly Record<string, unknown>[];
  readonly usage?: unknown;
  readonly error?: unknown;
  readonly [other: string]: unknown;
}

/** What one choice's events are in the stream of all. */
export interface ChoiceWords {
  /** What the client gets for them; may be empty. */
  readonly words: Uint8Array<ArrayBuffer>;
  /** Whether the upstream told of an error: nothing follows then. */
  readonly hasFailed: boolean;
}

/** One stream made of the streams of several choices, each of which believes that it is the only one. */
export class ChoiceEvents {
  readonly #readers: readonly SseReader[];
  readonly #usages: unknown[] = [];
  #identity: Record<string, unknown> | undefined;
  #tellsUsage = false;

  /** Begins before the first event. @param count How many choices there are. */
  constructor(count: number) {
    this.#readers = Array.from({ length: count }, () => new SseReader({ maxLength: MAX_EVENT_LENGTH }));
  }

  /**
   * Takes whole events of the choice with this index.
   *
   * @throws {SyntaxError} If they cannot be understood.
   */
  push(index: number, events: Uint8Array): ChoiceWords {
    const words: Uint8Array[] = [];
    const read = this.#readers[index]!.push(events);
    if (read.length === 0) return { words: events.slice(), hasFailed: false }; // it lives, that is all it says
    for (const { type, data } of read) {
      if (data === DONE) continue;
      const chunk: unknown = JSON.parse(data);
      if (typeof chunk !== "object" || chunk === null) throw new SyntaxError("an event is no object");
      if ("error" in chunk) {
        return { words: joinBytes([...words, encodeSseEvent({ type, data })]), hasFailed: true };
      }
      const event = this.#renamed(index, chunk as Chunk);
      if (event) words.push(encodeSseJson(event));
    }
    return { words: joinBytes(words), hasFailed: false };
  }

  /** All choices have ended well: what they took together, if each told it, and the end. */
  end(): Uint8Array<ArrayBuffer> {
    const done: SseEvent = { type: "message", data: DONE };
    if (!this.#tellsUsage) return encodeSseEvent(done);
    const chunk = { ...this.#identity, choices: [], usage: sumUsage(this.#usages) };
    return joinBytes([encodeSseJson(chunk), encodeSseEvent(done)]);
  }

  /** The chunk as one of the whole; `undefined` if it tells nothing but what the choice took. */
  #renamed(index: number, { choices = [], usage, ...rest }: Chunk): Chunk | undefined {
    this.#identity ??= identityOf(rest);
    if (usage) this.#usages.push(usage);
    if (choices.length === 0 && usage) {
      this.#tellsUsage = true;
      return undefined;
    }
    const named = { ...rest, ...this.#identity, choices: choices.map((choice) => ({ ...choice, index })) };
    return usage ? { ...named, usage: sumUsage(this.#usages) } : named;
  }
}

/** What is the same in all chunks of a stream. */
function identityOf({ id, object, created, model, system_fingerprint }: Chunk): Record<string, unknown> {
  return { id, object, created, model, ...(system_fingerprint !== undefined && { system_fingerprint }) };
}
