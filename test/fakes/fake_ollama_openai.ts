import {
  bytesOfBase64,
  callsOf,
  checkModelIsNamed,
  type FakeDialect,
  type FakeGeneration,
  type FakePiece,
  logprobsOf,
  numberOf,
  objectOf,
  type OllamaBody,
  textOf,
  textOfMessages,
  toolResultOf,
  toolsOf,
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
  wishOf: (body) => ({
    tools: toolsOf(body),
    toolResult: toolResultOf(body),
    imageBytes: imageUrlsOf(body).map(bytesOfBase64),
    format: formatOf(objectOf(body, "response_format")),
    thinks: thinksOf(body["reasoning_effort"]),
    topLogprobs: body["logprobs"] === true ? numberOf(body, "top_logprobs") ?? 0 : undefined,
  }),
  limitOf: (body) => numberOf(body, "max_tokens"),
  piece: (generation, index) => {
    const role = index === 0 || !splitsFinish(generation) ? { role: "assistant" } : {};
    const piece = generation.pieces[index]!;
    const delta = { ...role, ...messageOf([piece]) };
    return chatEvent(generation, [{
      index: 0,
      delta,
      finish_reason: null,
      ...logprobs(generation, [piece]),
    }]);
  },
  ending(generation) {
    const delta = splitsFinish(generation) ? {} : { role: "assistant", content: "" };
    const finish = chatEvent(generation, [{ index: 0, delta, finish_reason: finishReason(generation) }]);
    const usage = wantsUsage(generation) ? chatEvent(generation, [], { usage: usageOf(generation) }) : "";
    return `${finish}${usage}${DONE}`;
  },
  // Ollama reads its own error line as a chat line without content, and never ends the stream.
  crash: (generation) => {
    const role = splitsFinish(generation) ? {} : { role: "assistant" };
    const choices = [{ index: 0, delta: { ...role, content: "" }, finish_reason: null }];
    return chatEvent({ ...generation, model: "" }, choices);
  },
  whole: (generation) => ({
    ...head(generation, "chat.completion"),
    choices: [{
      index: 0,
      message: { role: "assistant", ...messageOf(generation.pieces) },
      finish_reason: finishReason(generation),
      ...logprobs(generation, generation.pieces),
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
  wishOf: () => ({
    tools: [],
    toolResult: undefined,
    imageBytes: [],
    format: undefined,
    thinks: undefined,
    topLogprobs: undefined,
  }),
  limitOf: (body) => numberOf(body, "max_tokens"),
  piece: (generation, index) => {
    return completionEvent(generation, textOf({ pieces: [generation.pieces[index]!] }, "text"), null);
  },
  ending(generation) {
    const finish = completionEvent(generation, "", generation.doneReason);
    if (!wantsUsage(generation)) return `${finish}${DONE}`;
    const usage = { ...head(generation, "text_completion"), choices: [], usage: usageOf(generation) };
    return `${finish}${event(usage)}${DONE}`;
  },
  crash: (generation) => completionEvent({ ...generation, model: "" }, "", null),
  whole: (generation) => ({
    ...head(generation, "text_completion"),
    choices: [{ text: textOf(generation, "text"), index: 0, finish_reason: generation.doneReason }],
    usage: usageOf(generation),
  }),
};

/** Whether a level of reasoning is one; `undefined` if there is none. */
export function thinksOf(effort: unknown): boolean | undefined {
  return typeof effort === "string" ? effort !== "none" : undefined;
}

/** Whether the client wants to hear of usage at the end of its stream. */
function wantsUsage({ body }: FakeGeneration): boolean {
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

function imageUrlsOf({ messages }: OllamaBody): string[] {
  const parts = (Array.isArray(messages) ? messages : []).flatMap(({ content }) =>
    Array.isArray(content) ? content : []
  );
  return parts.flatMap(({ type, image_url: image }) => type === "image_url" ? [image.url ?? image] : []);
}

function formatOf({ type, json_schema: form }: OllamaBody): unknown {
  if (type === "json_object") return "json";
  return type === "json_schema" ? (form as OllamaBody | undefined)?.["schema"] : undefined;
}

function messageOf(pieces: readonly FakePiece[]): Record<string, unknown> {
  const thinking = textOf({ pieces }, "thinking");
  const calls = callsOf({ pieces }).map(({ id, name, argumentsJson }, index) => {
    return { id, index, type: "function", function: { name, arguments: argumentsJson } };
  });
  return {
    content: textOf({ pieces }, "text"),
    ...(thinking !== "" && { reasoning: thinking }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

function finishReason(generation: FakeGeneration): string {
  return callsOf(generation).length > 0 ? "tool_calls" : generation.doneReason;
}

function logprobs(
  { wish: { topLogprobs } }: FakeGeneration,
  pieces: readonly FakePiece[],
): Record<string, unknown> {
  if (topLogprobs === undefined) return {};
  const content = pieces.flatMap((piece) => piece.kind === "text" ? logprobsOf(piece.text, topLogprobs) : []);
  return content.length > 0 ? { logprobs: { content } } : {};
}

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
  const usage = wantsUsage(generation)
    ? { usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } }
    : {};
  const choices = [{ text, index: 0, finish_reason: finishReason }];
  return event({ ...head(generation, "text_completion"), choices, ...usage });
}

function head({ id, model }: FakeGeneration, object: string): Record<string, unknown> {
  const created = Math.floor(Date.now() / 1_000);
  return { id, object, created, model, system_fingerprint: "fp_ollama" };
}

function usageOf({ promptTokenCount, pieces }: FakeGeneration): Record<string, number> {
  return {
    prompt_tokens: promptTokenCount,
    completion_tokens: pieces.length,
    total_tokens: promptTokenCount + pieces.length,
  };
}

function event(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}
