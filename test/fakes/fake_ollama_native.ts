import {
  bytesOfBase64,
  callsOf,
  checkModelIsNamed,
  type FakeDialect,
  type FakeGeneration,
  type FakePiece,
  type FakeToolCall,
  type FakeWish,
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

/** `POST /api/chat`. */
export const NATIVE_CHAT: FakeDialect = nativeDialect({
  content: ({ text, thinking, calls }) => ({
    message: {
      role: "assistant",
      content: text,
      ...(thinking !== "" && { thinking }),
      ...(calls.length > 0 && { tool_calls: calls.map(nativeCall) }),
    },
  }),
  promptOf: textOfMessages,
  check: checkModelIsNamed,
  context: undefined,
});

/** `POST /api/generate`. */
export const NATIVE_GENERATE: FakeDialect = nativeDialect({
  content: ({ text, thinking }) => ({ response: text, ...(thinking !== "" && { thinking }) }),
  promptOf: ({ prompt }) => typeof prompt === "string" ? prompt : "",
  check: () => {},
  context: [1, 2, 3],
});

/** What Ollama answers when a model was only to be loaded or unloaded. */
export function loadedAnswer(path: string, model: string, doneReason: "load" | "unload"): unknown {
  const content = path === "/api/chat" ? { message: { role: "assistant", content: "" } } : { response: "" };
  return { model, created_at: createdAt(), ...content, done: true, done_reason: doneReason };
}

/** What one line says. */
interface NativeContent {
  readonly text: string;
  readonly thinking: string;
  readonly calls: readonly FakeToolCall[];
}

interface NativeForm {
  readonly content: (content: NativeContent) => Record<string, unknown>;
  readonly promptOf: (body: OllamaBody) => string;
  readonly check: (body: OllamaBody) => void;
  /** What the last line of `/api/generate` has. */
  readonly context: readonly number[] | undefined;
}

const NOTHING: NativeContent = { text: "", thinking: "", calls: [] };

function nativeDialect({ content, promptOf, check, context }: NativeForm): FakeDialect {
  const line = (model: string, said: NativeContent, rest: Record<string, unknown>): unknown => ({
    model,
    created_at: createdAt(),
    ...content(said),
    ...rest,
  });
  const last = (generation: FakeGeneration, said: NativeContent, rest: Record<string, unknown>): unknown =>
    line(generation.model, said, {
      done: true,
      done_reason: generation.doneReason,
      ...rest,
      ...(context && { context }),
      ...statistics(generation),
    });
  return {
    isOpenAi: false,
    streamType: "application/x-ndjson",
    streamsUnasked: true,
    check,
    promptOf,
    wishOf,
    limitOf: (body) => numberOf(objectOf(body, "options"), "num_predict"),
    piece: (generation, index) => {
      const piece = generation.pieces[index]!;
      const said = contentOf([piece]);
      return `${
        JSON.stringify(line(generation.model, said, { done: false, ...logprobs(generation, [piece]) }))
      }\n`;
    },
    ending: (generation) => `${JSON.stringify(last(generation, NOTHING, {}))}\n`,
    crash: (_generation, message) => `${JSON.stringify({ error: message })}\n`,
    whole: (generation) => {
      const { pieces } = generation;
      return last(generation, contentOf(pieces), logprobs(generation, pieces));
    },
  };
}

function wishOf(body: OllamaBody): FakeWish {
  const format = body["format"];
  const isNone = format === undefined || format === null || format === "";
  if (!isNone && format !== "json" && typeof format !== "object") {
    const said = JSON.stringify(JSON.stringify(format));
    throw new FakeRefusal(500, `invalid format: ${said}; expected "json" or a valid JSON Schema object`);
  }
  const think = body["think"] ?? undefined;
  return {
    tools: toolsOf(body),
    toolResult: toolResultOf(body),
    imageBytes: imagesOf(body).map(bytesOfBase64),
    format: isNone ? undefined : format,
    thinks: think === undefined ? undefined : think !== false,
    topLogprobs: body["logprobs"] === true ? numberOf(body, "top_logprobs") ?? 0 : undefined,
  };
}

/** Of all messages, or of the prompt. */
function imagesOf({ messages, images }: OllamaBody): string[] {
  const holders: unknown[] = Array.isArray(messages) ? messages : [{ images }];
  return holders.flatMap((holder) => (holder as { images?: string[] | null }).images ?? []);
}

function contentOf(pieces: readonly FakePiece[]): NativeContent {
  const said = { pieces };
  return { text: textOf(said, "text"), thinking: textOf(said, "thinking"), calls: callsOf(said) };
}

function nativeCall({ id, name, argumentsJson }: FakeToolCall, index: number): unknown {
  return { id, function: { index, name, arguments: JSON.parse(argumentsJson) } };
}

function logprobs(
  { wish: { topLogprobs } }: FakeGeneration,
  pieces: readonly FakePiece[],
): Record<string, unknown> {
  if (topLogprobs === undefined) return {};
  const told = pieces.flatMap((piece) => piece.kind === "text" ? logprobsOf(piece.text, topLogprobs) : []);
  return told.length > 0 ? { logprobs: told } : {};
}

/** Nanoseconds, as if half of the time had gone into the prompt. */
function statistics({ startedMs, promptTokenCount, pieces }: FakeGeneration): Record<string, number> {
  const totalNs = Math.max(1_000, Math.round((performance.now() - startedMs) * 1e6));
  return {
    total_duration: totalNs,
    load_duration: 100,
    prompt_eval_count: promptTokenCount,
    prompt_eval_duration: Math.round(totalNs / 2),
    eval_count: pieces.length,
    eval_duration: Math.round(totalNs / 2),
  };
}

/** With nine digits of a second, as Go writes it. */
function createdAt(): string {
  return new Date().toISOString().replace("Z", "123456Z");
}
