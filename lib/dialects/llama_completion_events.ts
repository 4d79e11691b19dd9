import { SseReader } from "../stream/sse_reader.ts";
import type { ChatEvent, ChatUsage, TokenLogprob } from "./chat.ts";
import { readUpstreamError } from "./upstream_error.ts";

/**
 * What is read of an answer, for `response_fields`: without it the last event repeats the whole prompt, which may be longer
 * than any event should be.
 */
export const COMPLETION_FIELDS: readonly string[] = [
  ...["content", "stop", "stop_type", "timings", "tokens_evaluated", "tokens_predicted"],
  "completion_probabilities",
];

/** Reads the stream of llama-server's own `/completion` or `/infill`, however it was cut. */
export class LlamaCompletionEvents {
  readonly #reader = new SseReader();

  /**
   * Takes the next bytes.
   *
   * @throws {SyntaxError} If an event cannot be understood.
   * @throws {RangeError} If one is longer than anybody would send.
   */
  push(bytes: Uint8Array): ChatEvent[] {
    return this.#reader.push(bytes).flatMap(({ data }) => eventsOf(data));
  }
}

/** The same of a whole answer. @throws {SyntaxError} If it cannot be understood. */
export function llamaCompletionEvents(body: Uint8Array): ChatEvent[] {
  return eventsOf(decoder.decode(body));
}

const decoder = new TextDecoder();

/** What is read of an answer or a piece of it. Checked by hand: it comes once a token. */
interface SaidCompletion {
  readonly content?: unknown;
  readonly stop?: unknown;
  readonly stop_type?: unknown;
  readonly timings?: Readonly<Record<string, unknown>> | null;
  readonly tokens_evaluated?: unknown;
  readonly tokens_predicted?: unknown;
  readonly completion_probabilities?: readonly SaidLogprob[] | null;
  readonly error?: unknown;
}

interface SaidLogprob {
  readonly token: string;
  readonly logprob: number;
  readonly bytes?: readonly number[] | null;
  readonly top_logprobs?: readonly SaidLogprob[];
}

function eventsOf(data: string): ChatEvent[] {
  const said: SaidCompletion = JSON.parse(data);
  if (typeof said !== "object" || said === null) throw new SyntaxError("The answer is no JSON object");
  if (said.error !== undefined) {
    return [{ kind: "error", message: readUpstreamError(data).message || "The upstream failed" }];
  }
  if (typeof said.content !== "string") throw new SyntaxError("The answer has no content");
  const events: ChatEvent[] = said.content === "" ? [] : [{ kind: "text", text: said.content }];
  const tokens = said.completion_probabilities;
  if (tokens && tokens.length > 0) events.push({ kind: "logprobs", tokens: tokens.map(toLogprob) });
  if (said.stop !== true) return events;
  events.push({ kind: "usage", usage: toUsage(said) });
  events.push({ kind: "finish", reason: said.stop_type === "limit" ? "length" : "stop" });
  return events;
}

function toUsage({ timings, tokens_evaluated, tokens_predicted }: SaidCompletion): ChatUsage {
  const cached = amount(timings?.["cache_n"]);
  const evaluated = amount(timings?.["prompt_n"]);
  return {
    promptTokens: evaluated === undefined ? amount(tokens_evaluated) : evaluated + (cached ?? 0),
    cachedTokens: cached,
    completionTokens: amount(timings?.["predicted_n"]) ?? amount(tokens_predicted),
    promptMs: amount(timings?.["prompt_ms"]),
    completionMs: amount(timings?.["predicted_ms"]),
  };
}

function amount(value: unknown): number | undefined {
  return typeof value === "number" && value >= 0 ? value : undefined;
}

function toLogprob({ token, logprob, bytes, top_logprobs: top = [] }: SaidLogprob): TokenLogprob {
  return { token, logprob, bytes: bytes ?? undefined, alternatives: top.map(toLogprob) };
}
