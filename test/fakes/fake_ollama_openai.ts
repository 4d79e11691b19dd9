import {
  checkModelIsNamed,
  type FakeDialect,
  type FakeGeneration,
  numberOf,
  objectOf,
  type OllamaBody,
  textOfMessages,
} from "./fake_ollama_dialect.ts";
import { FakeRefusal } from "./fake_ollama_refusal.ts";
import { isSince } from "./fake_ollama_version.ts";

/** `POST /v1/chat/completions`. */
export const OPENAI_CHAT: FakeDialect = {
  isOpenAi: true,
  streamType: "text/event-stream",
  streamsUnasked: false,
  check(body) {
    if (!Array.isArray(body["messages"]) || body["messages"].length === 0) {
      throw new FakeRefusal(400, "[] is too short - 'messages'", true);
    }
    checkModelIsNamed(body);
  },
  promptOf: textOfMessages,
  limitOf: (body) => numberOf(body, "max_tokens"),
  piece: (generation, word, isFirst) => {
    const role = isFirst || !splitsFinish(generation) ? { role: "assistant" } : {};
    return chatEvent(generation, [{ index: 0, delta: { ...role, content: word }, finish_reason: null }]);
  },
  ending(generation) {
    const delta = splitsFinish(generation) ? {} : { role: "assistant", content: "" };
    const finish = chatEvent(generation, [{ index: 0, delta, finish_reason: generation.doneReason }]);
    const usage = generation.wantsUsage ? chatEvent(generation, [], { usage: usageOf(generation) }) : "";
    return `${finish}${usage}${DONE}`;
  },
  // Ollama reads its own error line as a chat line without content, and never ends the stream.
  crash: (generation) => OPENAI_CHAT.piece({ ...generation, model: "" }, "", false),
  whole: (generation) => ({
    ...head(generation, "chat.completion"),
    choices: [{
      index: 0,
      message: { role: "assistant", content: generation.words.join("") },
      finish_reason: generation.doneReason,
    }],
    usage: usageOf(generation),
  }),
};

/** `POST /v1/completions`. */
export const OPENAI_COMPLETION: FakeDialect = {
  isOpenAi: true,
  streamType: "text/event-stream",
  streamsUnasked: false,
  check: () => {},
  promptOf: ({ prompt }) => typeof prompt === "string" ? prompt : "",
  limitOf: (body) => numberOf(body, "max_tokens"),
  piece: (generation, word) => completionEvent(generation, word, null),
  ending(generation) {
    const finish = completionEvent(generation, "", generation.doneReason);
    if (!generation.wantsUsage) return `${finish}${DONE}`;
    const usage = { ...head(generation, "text_completion"), choices: [], usage: usageOf(generation) };
    return `${finish}${event(usage)}${DONE}`;
  },
  crash: (generation) => completionEvent({ ...generation, model: "" }, "", null),
  whole: (generation) => ({
    ...head(generation, "text_completion"),
    choices: [{ text: generation.words.join(""), index: 0, finish_reason: generation.doneReason }],
    usage: usageOf(generation),
  }),
};

/** Whether the client wants to hear of usage at the end of its stream. */
export function wantsUsage(body: OllamaBody): boolean {
  return objectOf(body, "stream_options")["include_usage"] === true;
}

/**
 * An error as OpenAI tells it. Before 0.30 those that came from behind the translation were all `api_error`.
 *
 * @param isEarly Whether the translation itself refuses.
 */
export function openAiError(status: number, message: string, version: string, isEarly = false): unknown {
  const known = isEarly || isSince(version, "0.30.0") ? TYPES[status] : undefined;
  return { error: { message, type: known ?? "api_error", param: null, code: null } };
}

const TYPES: Readonly<Record<number, string>> = { 400: "invalid_request_error", 404: "not_found_error" };
const DONE = "data: [DONE]\n\n";

/** Since 0.30 the role comes once, and the finishing event is empty. */
function splitsFinish({ version }: FakeGeneration): boolean {
  return isSince(version, "0.30.0");
}

function chatEvent(
  generation: FakeGeneration,
  choices: unknown[],
  rest: Record<string, unknown> = {},
): string {
  return event({ ...head(generation, "chat.completion.chunk"), choices, ...rest });
}

function completionEvent(generation: FakeGeneration, text: string, finishReason: string | null): string {
  const usage = generation.wantsUsage
    ? { usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } }
    : {};
  const choices = [{ text, index: 0, finish_reason: finishReason }];
  return event({ ...head(generation, "text_completion"), choices, ...usage });
}

function head({ id, model }: FakeGeneration, object: string): Record<string, unknown> {
  const created = Math.floor(Date.now() / 1_000);
  return { id, object, created, model, system_fingerprint: "fp_ollama" };
}

function usageOf({ promptTokenCount, words }: FakeGeneration): Record<string, number> {
  return {
    prompt_tokens: promptTokenCount,
    completion_tokens: words.length,
    total_tokens: promptTokenCount + words.length,
  };
}

function event(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}
