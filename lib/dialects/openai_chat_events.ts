import { SseReader } from "../stream/sse_reader.ts";
import type { ChatEvent, ChatUsage, FinishReason, TokenLogprob } from "./chat.ts";
import { readUpstreamError } from "./upstream_error.ts";

/** Reads the stream of `/v1/chat/completions`, however it was cut. Of several answers only the first one counts. */
export class OpenaiChatEvents {
  readonly #reader = new SseReader();

  /**
   * Takes the next bytes.
   *
   * @throws {SyntaxError} If an event cannot be understood.
   * @throws {RangeError} If one is longer than anybody would send.
   */
  push(bytes: Uint8Array): ChatEvent[] {
    const events: ChatEvent[] = [];
    for (const { data } of this.#reader.push(bytes)) {
      if (data !== "[DONE]") readAnswer(data, "delta", events);
    }
    return events;
  }
}

/**
 * The same of a whole answer.
 *
 * @throws {SyntaxError} If it cannot be understood.
 */
export function openaiChatEvents(body: Uint8Array): ChatEvent[] {
  const events: ChatEvent[] = [];
  readAnswer(decoder.decode(body), "message", events);
  return events;
}

const decoder = new TextDecoder();

/** What is read of an answer or a chunk. Checked by hand: it comes once a token. */
interface SaidAnswer {
  readonly choices?: readonly SaidChoice[];
  readonly usage?: Said | null;
  readonly timings?: Said | null;
  readonly error?: unknown;
}

interface SaidChoice {
  readonly index?: number;
  readonly delta?: SaidMessage;
  readonly message?: SaidMessage;
  readonly finish_reason?: string | null;
  readonly logprobs?: { readonly content?: readonly SaidLogprob[] | null } | null;
}

interface SaidMessage {
  readonly content?: unknown;
  readonly reasoning_content?: unknown;
  readonly tool_calls?: readonly SaidToolCall[] | null;
}

interface SaidToolCall {
  readonly index?: number;
  readonly id?: string;
  readonly function?: { readonly name?: string; readonly arguments?: string };
}

interface SaidLogprob {
  readonly token: string;
  readonly logprob: number;
  readonly bytes?: readonly number[] | null;
  readonly top_logprobs?: readonly SaidLogprob[];
}

type Said = Readonly<Record<string, unknown>>;

function readAnswer(data: string, part: "delta" | "message", events: ChatEvent[]): void {
  const answer: SaidAnswer = JSON.parse(data);
  try {
    readParts(answer, part, events);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new SyntaxError("The answer is none of a chat", { cause }); // something in it is not of its kind
  }
}

function readParts(answer: SaidAnswer, part: "delta" | "message", events: ChatEvent[]): void {
  if (typeof answer !== "object" || answer === null) throw new SyntaxError("The answer is no JSON object");
  if (answer.error !== undefined) {
    events.push({
      kind: "error",
      message: readUpstreamError(JSON.stringify(answer)).message || "The upstream failed",
    });
    return;
  }
  if (!Array.isArray(answer.choices)) throw new SyntaxError("The answer has no choices");
  const choice = answer.choices.find(({ index }: SaidChoice) => (index ?? 0) === 0);
  const message = choice?.[part];
  if (message) readMessage(message, events);
  const tokens = choice?.logprobs?.content;
  if (tokens && tokens.length > 0) events.push({ kind: "logprobs", tokens: tokens.map(toLogprob) });
  if (answer.usage || answer.timings) events.push({ kind: "usage", usage: toUsage(answer) });
  if (choice?.finish_reason) events.push({ kind: "finish", reason: toReason(choice.finish_reason) });
}

function readMessage(message: SaidMessage, events: ChatEvent[]): void {
  const { content, reasoning_content: reasoning, tool_calls: calls } = message;
  if (typeof reasoning === "string" && reasoning !== "") events.push({ kind: "reasoning", text: reasoning });
  if (typeof content === "string" && content !== "") events.push({ kind: "text", text: content });
  calls?.forEach((call, position) => {
    const index = call.index ?? position;
    const { name, arguments: json } = call.function ?? {};
    if (name) events.push({ kind: "tool_call", index, id: call.id || undefined, name });
    if (json) events.push({ kind: "arguments", index, json });
  });
}

function toReason(said: string): FinishReason {
  return said === "length" || said === "tool_calls" ? said : "stop";
}

/** `timings` are llama.cpp's, which count what came from the cache apart. */
function toUsage({ usage, timings }: SaidAnswer): ChatUsage {
  const cached = amount(timings, "cache_n") ??
    amount(usage?.prompt_tokens_details as Said | undefined, "cached_tokens");
  const evaluated = amount(timings, "prompt_n");
  return {
    promptTokens: evaluated === undefined ? amount(usage, "prompt_tokens") : evaluated + (cached ?? 0),
    cachedTokens: cached,
    completionTokens: amount(timings, "predicted_n") ?? amount(usage, "completion_tokens"),
    promptMs: amount(timings, "prompt_ms"),
    completionMs: amount(timings, "predicted_ms"),
  };
}

function amount(said: Said | null | undefined, key: string): number | undefined {
  const value = said?.[key];
  return typeof value === "number" && value >= 0 && Number.isFinite(value) ? value : undefined;
}

function toLogprob({ token, logprob, bytes, top_logprobs: top = [] }: SaidLogprob): TokenLogprob {
  return { token, logprob, bytes: bytes ?? undefined, alternatives: top.map(toLogprob) };
}
