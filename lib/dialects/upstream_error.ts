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
  const value = parsed(typeof body === "string" ? body : decoder.decode(body));
  const error = member(value, "error");
  if (typeof error === "string") return { ...NOTHING, message: error };
  return errorIn(typeof error === "object" && error !== null ? error : value);
}

const NOTHING = { type: undefined, promptTokens: undefined, contextSize: undefined, error: undefined };

function errorIn(error: unknown): UpstreamError {
  return {
    message: ofType(member(error, "message"), "string") ?? "",
    type: ofType(member(error, "type"), "string"),
    promptTokens: ofType(member(error, "n_prompt_tokens"), "number"),
    contextSize: ofType(member(error, "n_ctx"), "number"),
    error: typeof error === "object" && error !== null ? error as Record<string, unknown> : undefined,
  };
}

function ofType<K extends "string" | "number">(
  value: unknown,
  kind: K,
): (K extends "string" ? string : number) | undefined {
  return typeof value === kind ? value as K extends "string" ? string : number : undefined;
}

function member(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
