import { joinBytes } from "../join_bytes.ts";
import { encodeSseEvent, encodeSseJson } from "../stream/sse_event.ts";
import type { ChatEvent, ChatUsage, FinishReason, TokenLogprob } from "./chat.ts";
import type { AnswerTimes, Exchange, StreamTranslator } from "./exchange.ts";
import { LlamaCompletionEvents, llamaCompletionEvents } from "./llama_completion_events.ts";

/** What is told of a completion in each of its chunks. */
interface CompletionHead {
  readonly id: string;
  readonly object: "text_completion";
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
}

/** A part of a completion: all of it, where it is whole. */
interface CompletionPart {
  readonly text: string;
  readonly logprobs: readonly TokenLogprob[];
  readonly reason: FinishReason | null;
  readonly usage: ChatUsage | undefined;
}

/**
 * How the answers of llama-server's `/infill` become those of `/v1/completions`, in the form that it gives these itself.
 *
 * @param model As the client's answer calls it.
 */
export function infillToOpenai(
  model: string,
): Required<Pick<Exchange, "translateWhole" | "translateStream">> {
  return {
    translateWhole: (body, times) => {
      const part = partOf(llamaCompletionEvents(body));
      return encoder.encode(JSON.stringify(completion(headOf(model, times), part)));
    },
    translateStream: (times) => new InfillStream(headOf(model, times)),
  };
}

const encoder = new TextEncoder();

class InfillStream implements StreamTranslator {
  readonly #events = new LlamaCompletionEvents();
  #hasFailed = false;

  constructor(private readonly head: CompletionHead) {}

  push(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    const events = this.#events.push(bytes);
    if (events.length === 0 || this.#hasFailed) return new Uint8Array(0);
    const failed = events.findIndex(({ kind }) => kind === "error");
    const said = failed < 0 ? events : events.slice(0, failed);
    const words = said.length === 0 ? [] : [encodeSseJson(completion(this.head, partOf(said)))];
    if (failed < 0) return joinBytes(words);
    this.#hasFailed = true;
    return joinBytes([...words, encodeSseJson(errorOf(events[failed]!))]);
  }

  end(): Uint8Array<ArrayBuffer> {
    return this.#hasFailed ? new Uint8Array(0) : encodeSseEvent({ type: "message", data: "[DONE]" });
  }
}

/** The time is enough of a name: nobody asks for a completion again. */
function headOf(model: string, times: AnswerTimes): CompletionHead {
  const nowMs = times.now();
  return { id: `cmpl-${nowMs}`, object: "text_completion", created: Math.floor(nowMs / 1_000), model };
}

/** @throws {SyntaxError} If there is an error among the events. */
function partOf(events: readonly ChatEvent[]): CompletionPart {
  let [text, reason, usage]: [string, FinishReason | null, ChatUsage | undefined] = ["", null, undefined];
  const logprobs: TokenLogprob[] = [];
  for (const event of events) {
    if (event.kind === "error") throw new SyntaxError(event.message);
    if (event.kind === "text") text += event.text;
    else if (event.kind === "logprobs") logprobs.push(...event.tokens);
    else if (event.kind === "finish") reason = event.reason;
    else if (event.kind === "usage") usage = event.usage;
  }
  return { text, logprobs, reason, usage };
}

function completion(
  head: CompletionHead,
  { text, logprobs, reason, usage }: CompletionPart,
): Record<string, unknown> {
  const told = logprobs.length > 0 ? { content: logprobs.map(toLogprob) } : null;
  return {
    ...head,
    choices: [{ text, index: 0, logprobs: told, finish_reason: reason }],
    ...(usage && { usage: toUsage(usage) }),
  };
}

function toUsage(
  { promptTokens = 0, completionTokens = 0, cachedTokens = 0 }: ChatUsage,
): Record<string, unknown> {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  };
}

function toLogprob({ token, logprob, bytes, alternatives }: TokenLogprob): Record<string, unknown> {
  return { token, logprob, bytes: bytes ?? null, top_logprobs: alternatives.map(toLogprob) };
}

function errorOf(event: ChatEvent): Record<string, unknown> {
  const message = event.kind === "error" ? event.message : "";
  return { error: { message, type: "server_error", param: null, code: null } };
}
