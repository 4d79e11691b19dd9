import { jsonIn } from "../json_text.ts";

/** What an upstream's error says, whatever its form. */
export interface UpstreamError {
  /** For a person; empty if it does not say. */
  readonly message: string;
  /** Such as `exceed_context_size_error`, where it says. */
  readonly type: string | undefined;
  /** Tokens of a prompt that was too long. */
  readonly promptTokens: number | undefined;
  /** Tokens that there is room for. */
  readonly contextSize: number | undefined;
  /** The whole error, where it is an object. */
  readonly error: Readonly<Record<string, unknown>> | undefined;
}

const decoder = new TextDecoder();

/**
 * Reads the error in a body: `{"error":"…"}` of Ollama, `{"error":{"message",…}}` of OpenAI, Anthropic and llama-server,
 * or `{"code","message","type"}` as llama-server writes it into the events of Anthropic's dialect.
 */
export function readUpstreamError(body: Uint8Array | string): UpstreamError {
  const value = jsonIn(typeof body === "string" ? body : decoder.decode(body));
  const error = member(value, "error");
  if (typeof error === "string") return insideText(error);
  return errorIn(typeof error === "object" && error !== null ? error : value);
}

/** Ollama 0.33 hands its llama-server's error on as text, in both of its dialects: JSON in JSON. */
function insideText(text: string, otherwise: UpstreamError = { ...NOTHING, message: text }): UpstreamError {
  const inner = text.startsWith('{"error"') ? errorIn(member(jsonIn(text), "error")) : undefined;
  return inner?.message ? { ...inner, error: otherwise.error } : otherwise;
}

const NOTHING = { type: undefined, promptTokens: undefined, contextSize: undefined, error: undefined };

function errorIn(error: unknown): UpstreamError {
  const message = textOf(member(error, "message")) ?? "";
  return insideText(message, {
    message,
    type: textOf(member(error, "type")),
    promptTokens: numberOf(member(error, "n_prompt_tokens")),
    contextSize: numberOf(member(error, "n_ctx")),
    error: typeof error === "object" && error !== null ? error as Record<string, unknown> : undefined,
  });
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function member(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}
