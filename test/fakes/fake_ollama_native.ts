import {
  checkModelIsNamed,
  type FakeDialect,
  type FakeGeneration,
  numberOf,
  objectOf,
  type OllamaBody,
  textOfMessages,
} from "./fake_ollama_dialect.ts";

/** `POST /api/chat`. */
export const NATIVE_CHAT: FakeDialect = nativeDialect({
  key: "message",
  content: (text) => ({ role: "assistant", content: text }),
  promptOf: textOfMessages,
  check: checkModelIsNamed,
  context: undefined,
});

/** `POST /api/generate`. */
export const NATIVE_GENERATE: FakeDialect = nativeDialect({
  key: "response",
  content: (text) => text,
  promptOf: ({ prompt }) => typeof prompt === "string" ? prompt : "",
  check: () => {},
  context: [1, 2, 3],
});

/** What Ollama answers when a model was only to be loaded or unloaded. */
export function loadedAnswer(path: string, model: string, doneReason: "load" | "unload"): unknown {
  const content = path === "/api/chat" ? { message: { role: "assistant", content: "" } } : { response: "" };
  return { model, created_at: createdAt(), ...content, done: true, done_reason: doneReason };
}

interface NativeForm {
  readonly key: "message" | "response";
  readonly content: (text: string) => unknown;
  readonly promptOf: (body: OllamaBody) => string;
  readonly check: (body: OllamaBody) => void;
  /** What the last line of `/api/generate` has. */
  readonly context: readonly number[] | undefined;
}

function nativeDialect({ key, content, promptOf, check, context }: NativeForm): FakeDialect {
  const line = (model: string, text: string, rest: Record<string, unknown>): unknown => ({
    model,
    created_at: createdAt(),
    [key]: content(text),
    ...rest,
  });
  const last = (generation: FakeGeneration, text: string): unknown =>
    line(generation.model, text, {
      done: true,
      done_reason: generation.doneReason,
      ...(context && { context }),
      ...statistics(generation),
    });
  return {
    isOpenAi: false,
    streamType: "application/x-ndjson",
    streamsUnasked: true,
    check,
    promptOf,
    limitOf: (body) => numberOf(objectOf(body, "options"), "num_predict"),
    piece: ({ model }, word) => `${JSON.stringify(line(model, word, { done: false }))}\n`,
    ending: (generation) => `${JSON.stringify(last(generation, ""))}\n`,
    crash: (_generation, message) => `${JSON.stringify({ error: message })}\n`,
    whole: (generation) => last(generation, generation.words.join("")),
  };
}

/** Nanoseconds, as if half of the time had gone into the prompt. */
function statistics({ startedMs, promptTokenCount, words }: FakeGeneration): Record<string, number> {
  const totalNs = Math.max(1_000, Math.round((performance.now() - startedMs) * 1e6));
  return {
    total_duration: totalNs,
    load_duration: 100,
    prompt_eval_count: promptTokenCount,
    prompt_eval_duration: Math.round(totalNs / 2),
    eval_count: words.length,
    eval_duration: Math.round(totalNs / 2),
  };
}

/** With nine digits of a second, as Go writes it. */
function createdAt(): string {
  return new Date().toISOString().replace("Z", "123456Z");
}
