import type { SseEvent } from "../stream/sse_event.ts";
import { SseReader } from "../stream/sse_reader.ts";
import { type ChatChunk, readChatChunk } from "./openai_chunk.ts";

/** More than any context holds. */
const MAX_TOKEN_COUNT = 1_048_576;
/** No upstream's event that is passed on is longer, in characters. */
const MAX_EVENT_LENGTH = 8 * 1024 * 1024;

/** What a client has got of a chat stream: enough to go on where it broke. */
export class DeliveredAnswer {
  /** The text of each token, in order. A character that took several tokens is one piece. */
  readonly pieces: string[] = [];
  readonly #reader = new SseReader({ maxLength: MAX_EVENT_LENGTH });
  #head: ChatChunk | undefined;
  #finishReason: string | undefined;
  #hasUsage = false;
  #isBegun = false;
  #obstacle: string | undefined;

  /** The first chunk; all chunks of a stream are alike but for their choices. `undefined` if there was none. */
  get head(): ChatChunk | undefined {
    return this.#head;
  }

  /** Whether anything that the model generated was delivered. */
  get isBegun(): boolean {
    return this.#isBegun;
  }

  /** Why the text was over, once the client was told so. */
  get finishReason(): string | undefined {
    return this.#finishReason;
  }

  /** Whether the client was told what the answer took. */
  get hasUsage(): boolean {
    return this.#hasUsage;
  }

  /** What of it cannot be continued faithfully, in words that follow "it"; `undefined` if all can. */
  get obstacle(): string | undefined {
    return this.#obstacle;
  }

  /** All text so far. */
  get text(): string {
    return this.pieces.join("");
  }

  /** Takes events as they are delivered, whole ones. */
  push(events: Uint8Array): void {
    if (this.#obstacle !== undefined) return;
    for (const event of this.#reader.push(events)) this.#take(event);
  }

  #take({ data }: SseEvent): void {
    if (data === "[DONE]") return;
    const chunk = readChatChunk(data);
    if (!chunk) return this.#isTold("holds an event that is no chat chunk");
    this.#head ??= chunk;
    if (chunk["usage"]) this.#hasUsage = true;
    for (const { index, finish_reason, delta } of chunk.choices) {
      if (index !== 0) return this.#isTold("has more than one choice");
      if (delta.tool_calls?.length) return this.#isTold("calls a tool");
      if (delta.reasoning_content) return this.#isTold("holds reasoning");
      if (delta.content) this.#add(delta.content);
      this.#finishReason ??= finish_reason ?? undefined;
    }
  }

  #add(piece: string): void {
    this.#isBegun = true;
    if (piece.includes("\uFFFD")) return this.#isTold("holds bytes that are no text");
    if (this.pieces.length === MAX_TOKEN_COUNT) {
      return this.#isTold(`has more than ${MAX_TOKEN_COUNT} tokens`);
    }
    this.pieces.push(piece);
  }

  #isTold(obstacle: string): void {
    this.#isBegun = true;
    this.#obstacle = obstacle;
    this.pieces.length = 0; // of no use any more
  }
}
