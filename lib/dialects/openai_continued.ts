import { formatSseEvent, type SseEvent } from "../stream/sse_event.ts";
import { SseReader } from "../stream/sse_reader.ts";
import { type ChatChunk, readChatChunk, readTextChunk, type TextChunk } from "./openai_chunk.ts";

const encoder = new TextEncoder();

/** Makes the events of another upstream go on a stream that a client is reading. */
export interface ContinuedEvents {
  /** Takes whole events; gives what the client is to get for them, perhaps nothing. */
  push(events: Uint8Array): Uint8Array<ArrayBuffer>;
}

/** The same chat asked again, for a client that has got nothing but the head of its answer. */
export class RepeatedChat implements ContinuedEvents {
  readonly #reader = new SseReader();

  /** Over the events of `/v1/chat/completions`; `head` is a chunk that the client has got. */
  constructor(private readonly head: ChatChunk) {}

  push(events: Uint8Array): Uint8Array<ArrayBuffer> {
    return encodeData(this.#reader.push(events).map((event) => this.#continued(event)));
  }

  #continued({ data }: SseEvent): string | undefined {
    const chunk = readChatChunk(data);
    if (!chunk) return data;
    const isRole = chunk.choices[0]?.delta.role && !chunk.choices[0].delta.content;
    return isRole ? undefined : JSON.stringify({ ...chunk, ...identityOf(this.head) });
  }
}

/** What a {@linkcode ContinuedText} continues. */
export interface TextToContinue {
  /** A chunk that the client has got. */
  readonly head: ChatChunk;
  /** Tokens that it has got. */
  readonly tokenCount: number;
  /** Whether the client wants the usage at the end. */
  readonly hasUsage: boolean;
}

/** A text that goes on behind the tokens that a client has got, made a chat again. */
export class ContinuedText implements ContinuedEvents {
  readonly #reader = new SseReader();

  /** Over the events of `/v1/completions`. */
  constructor(private readonly text: TextToContinue) {}

  push(events: Uint8Array): Uint8Array<ArrayBuffer> {
    return encodeData(this.#reader.push(events).flatMap((event) => this.#continued(event)));
  }

  #continued({ data }: SseEvent): string[] {
    const chunk = readTextChunk(data);
    if (!chunk) return [data]; // the end, or an error
    const { head, tokenCount, hasUsage } = this.text;
    const [{ text, finish_reason }] = chunk.choices as [TextChunk["choices"][number]];
    const events = text === "" ? [] : [textChunk(head, text)];
    if (!finish_reason) return events;
    events.push(finishChunk(head, finish_reason));
    if (hasUsage && chunk.usage) {
      const { prompt_tokens, completion_tokens } = chunk.usage;
      events.push(usageChunk(head, prompt_tokens - tokenCount, completion_tokens + tokenCount));
    }
    return events;
  }
}

/** What a client still lacks whose answer broke when all its text had come. */
export interface LastEvents {
  /** A chunk that the client has got. */
  readonly head: ChatChunk;
  /** Why the text is over, unless the client was told so. */
  readonly finishReason: string | undefined;
  /** What the answer took, if the client wants to know. */
  readonly usage?: { readonly promptTokens: number; readonly completionTokens: number };
}

/** The last events of a stream. */
export function lastEvents({ head, finishReason, usage }: LastEvents): Uint8Array<ArrayBuffer> {
  return encodeData([
    finishReason && finishChunk(head, finishReason),
    usage && usageChunk(head, usage.promptTokens, usage.completionTokens),
    "[DONE]",
  ]);
}

function encodeData(lines: readonly (string | undefined)[]): Uint8Array<ArrayBuffer> {
  const events = lines.filter((data) => data !== undefined)
    .map((data) => formatSseEvent({ type: "message", data }));
  return encoder.encode(events.join(""));
}

function textChunk(head: ChatChunk, content: string): string {
  return chunkOf(head, [{ finish_reason: null, index: 0, delta: { content } }]);
}

function finishChunk(head: ChatChunk, finishReason: string): string {
  return chunkOf(head, [{ finish_reason: finishReason, index: 0, delta: {} }]);
}

function usageChunk(head: ChatChunk, promptTokens: number, completionTokens: number): string {
  const usage = {
    completion_tokens: completionTokens,
    prompt_tokens: promptTokens,
    total_tokens: promptTokens + completionTokens,
  };
  return chunkOf(head, [], { usage });
}

function chunkOf(head: ChatChunk, choices: unknown[], more: Record<string, unknown> = {}): string {
  return JSON.stringify({ choices, object: head.object, ...identityOf(head), ...more });
}

/** Who says it, and when: the same in all chunks of a stream. */
function identityOf({ id, created, model, system_fingerprint }: ChatChunk): Record<string, unknown> {
  return { id, created, model, system_fingerprint }; // what is undefined is left out of the JSON
}
