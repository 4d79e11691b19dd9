import * as z from "zod";

/** A chat request whose answer may be continued, should it break. */
export interface ResumableRequest {
  /** All its fields. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Most tokens that the answer may have; `undefined` for no limit. */
  readonly maxTokens: number | undefined;
  /** Whether the client wants the usage at the end. */
  readonly hasUsage: boolean;
}

/**
 * Reads a request for what its continuation needs.
 *
 * @returns The reason, in words that follow "its request", if text alone would not continue its answer faithfully.
 */
export function resumableRequest(body: Uint8Array): ResumableRequest | string {
  const parsed = request.safeParse(parseJson(body));
  if (!parsed.success) return "is not understood";
  const fields = parsed.data;
  const obstacle = OBSTACLES.find(({ isThere }) => isThere(fields));
  if (obstacle) return obstacle.words;
  const maxTokens = fields.n_predict ?? fields.max_completion_tokens ?? fields.max_tokens ?? undefined;
  return {
    fields,
    // llama-server generates one token where none was wanted
    maxTokens: maxTokens === undefined || maxTokens < 0 ? undefined : Math.max(1, Math.trunc(maxTokens)),
    hasUsage: fields.stream_options?.include_usage === true,
  };
}

/**
 * The body for `/apply-template` that shows how the answer goes on: the same chat, with the text so far as what the
 * assistant has already said.
 */
export function prefilledChat({ fields }: ResumableRequest, text: string): Uint8Array<ArrayBuffer> {
  const messages = fields["messages"] as readonly Message[]; // read by `resumableRequest`
  const last = messages.at(-1)!;
  const isPrefilled = last.role === "assistant";
  const said = isPrefilled && typeof last.content === "string" ? last.content : "";
  const turn = { ...(isPrefilled ? last : { role: "assistant" }), content: said + text };
  return encode({ ...fields, messages: [...(isPrefilled ? messages.slice(0, -1) : messages), turn] });
}

/**
 * The body for `/v1/completions` that goes on behind exactly these tokens.
 *
 * @param prompt All that stands before them, as a template made it.
 * @param maxTokens Most tokens that may follow; `undefined` for no limit.
 */
export function continuation(
  { fields }: ResumableRequest,
  prompt: string,
  tokenIds: readonly number[],
  maxTokens: number | undefined,
): Uint8Array<ArrayBuffer> {
  const kept = Object.entries(fields).filter(([key]) => !CHAT_FIELDS.has(key));
  return encode({
    ...Object.fromEntries(kept),
    stream: true,
    prompt: [prompt, ...tokenIds],
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
  });
}

/** What has its say in the prompt, or no meaning beside one. The rest steers the sampling. */
const CHAT_FIELDS: ReadonlySet<string> = new Set([
  ...[
    "messages",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "parse_tool_calls",
    "functions",
    "function_call",
  ],
  ...["response_format", "stream_options", "n", "n_cmpl", "max_tokens", "max_completion_tokens", "n_predict"],
  ...["chat_template_kwargs", "add_generation_prompt", "continue_final_message"],
  ...["reasoning_effort", "reasoning_format", "reasoning_control", "reasoning_budget_tokens"],
  ...["thinking_budget_tokens", "logprobs", "top_logprobs", "prompt", "echo", "best_of", "suffix"],
  ...["return_progress", "return_tokens"],
]);

type Message = z.infer<typeof message>;

const message = z.looseObject({ role: z.string(), content: z.unknown() });

const request = z.looseObject({
  messages: z.array(message).min(1),
  n: z.number().nullish(),
  n_cmpl: z.number().nullish(),
  n_predict: z.number().nullish(),
  max_completion_tokens: z.number().nullish(),
  max_tokens: z.number().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
});

type Fields = z.infer<typeof request>;

/** What the rest of an answer could not be told by, or would not show. */
const OBSTACLES: readonly { words: string; isThere: (fields: Fields) => boolean }[] = [
  { words: "wants several answers", isThere: ({ n, n_cmpl }) => (n ?? 1) > 1 || (n_cmpl ?? 1) > 1 },
  { words: "offers tools", isThere: ({ tools, functions }) => isSaid(tools) || isSaid(functions) },
  {
    words: "wants a format",
    isThere: ({ response_format, json_schema, grammar }) =>
      isSaid(json_schema) || isSaid(grammar) || !isPlainFormat(response_format),
  },
  {
    words: "wants figures for each token",
    isThere: ({ logprobs, n_probs, timings_per_token, verbose }) =>
      isSaid(logprobs) || isSaid(n_probs) || isSaid(timings_per_token) || isSaid(verbose),
  },
  {
    words: "says how its last message goes on",
    isThere: ({ add_generation_prompt, continue_final_message }) =>
      (add_generation_prompt ?? continue_final_message ?? undefined) !== undefined,
  },
  { words: "holds more than text", isThere: ({ messages }) => !messages.every(isText) },
  {
    words: "ends in an assistant's message of several parts",
    isThere: ({ messages }) =>
      messages.at(-1)!.role === "assistant" && Array.isArray(messages.at(-1)!.content),
  },
];

function isSaid(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

function isPlainFormat(format: unknown): boolean {
  return !isSaid(format) || (format as { type?: unknown }).type === "text";
}

function isText({ content }: Message): boolean {
  return !Array.isArray(content) || content.every((part) => part?.type === "text");
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function encode(value: unknown): Uint8Array<ArrayBuffer> {
  return encoder.encode(JSON.stringify(value));
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(body));
  } catch {
    return undefined;
  }
}
