import type { UpstreamFacts } from "./exchange.ts";
import type { ResponsesEnvelope } from "./responses_request.ts";

/** A JSON object of a response, as an upstream or a client says it. */
export type ResponseFields = Readonly<Record<string, unknown>>;

/** What an answer to `POST /v1/responses` tells beside what the upstream says. */
export interface ResponseTerms {
  /** The model as the client named it, or as it is called where the client named none. */
  readonly model: string;
  /** What it repeats of its request, see {@linkcode responseSettings}. */
  readonly settings: ResponseFields;
  /** Tokens after which it is cut; `undefined` if it may have any number. */
  readonly outputLimit: number | undefined;
  /** Tokens of prompt and answer after which it is cut, where that is known. */
  readonly contextSize: number | undefined;
}

/** What such an answer tells, by its request and the upstream that is asked. */
export function responseTerms(
  { model, settings, maxOutputTokens }: ResponsesEnvelope,
  { model: served, modelName }: UpstreamFacts,
): ResponseTerms {
  const limit = maxOutputTokens ?? served?.params.num_predict ?? -1;
  return {
    model: model ?? served?.name ?? modelName ?? "",
    settings,
    outputLimit: limit < 0 ? undefined : limit,
    contextSize: served?.contextSize,
  };
}

/**
 * The response with which a stream begins.
 *
 * @param said What llama-server says of it: its id.
 * @param createdAt Since 1970, s.
 */
export function begunResponse(
  said: ResponseFields,
  terms: ResponseTerms,
  createdAt: number,
): ResponseFields {
  return {
    ...said,
    object: "response",
    created_at: createdAt,
    completed_at: null,
    status: "in_progress",
    error: null,
    incomplete_details: null,
    ...terms.settings,
    model: terms.model,
    output: [],
    usage: null,
  };
}

/** A response that is over. */
export interface EndedResponse extends ResponseFields {
  /** Whether it could say all that it had to say. */
  readonly status: "completed" | "incomplete";
  /** Its items. */
  readonly output: readonly ResponseFields[];
}

/**
 * The same response with all that OpenAI's have. llama-server always calls it completed: that it was cut shows in its tokens.
 *
 * @param said As llama-server says it at the end.
 * @throws {SyntaxError} If it is no response.
 */
export function endedResponse(said: ResponseFields, terms: ResponseTerms): EndedResponse {
  if (!Array.isArray(said["output"])) throw new SyntaxError("The answer is no response: it has no output");
  const items = said["output"].map(fieldsIn);
  const usage = (said["usage"] ?? {}) as ResponseFields;
  const isCut = wasCut(usage, items.at(-1), terms);
  const status = isCut ? "incomplete" : "completed";
  return {
    ...said,
    object: "response",
    completed_at: isCut ? null : said["completed_at"] ?? said["created_at"],
    status,
    error: null,
    incomplete_details: isCut ? { reason: "max_output_tokens" } : null,
    ...terms.settings,
    model: terms.model,
    output: items.map((item, index) => endedItem(item, index === items.length - 1 ? status : "completed")),
    usage: wholeUsage(usage),
  };
}

/** What an item is called; older llama-servers give calls no id of their own. */
export function itemId({ id, call_id }: ResponseFields): unknown {
  return id ?? call_id;
}

/** An object inside of a response. @throws {SyntaxError} If it is none. */
export function fieldsIn(value: unknown): ResponseFields {
  if (typeof value === "object" && value !== null) return value as ResponseFields;
  throw new SyntaxError("The answer is no response: an object is missing in it");
}

/** An answer that its model ended with just the last token that it may have looks the same; but a call that is whole is. */
function wasCut(
  usage: ResponseFields,
  last: ResponseFields | undefined,
  { outputLimit = Infinity, contextSize = Infinity }: ResponseTerms,
): boolean {
  const isAtLimit = Number(usage["output_tokens"]) >= outputLimit ||
    Number(usage["total_tokens"]) >= contextSize;
  return isAtLimit && !(last?.["type"] === "function_call" && isJson(last["arguments"]));
}

function endedItem(item: ResponseFields, status: EndedResponse["status"]): ResponseFields {
  const { encrypted_content: encrypted, ...rest } = item;
  return { ...rest, ...(encrypted ? { encrypted_content: encrypted } : {}), id: itemId(item), status };
}

function wholeUsage(usage: ResponseFields): ResponseFields {
  return {
    input_tokens: 0,
    output_tokens: 0,
    total_tokens: 0,
    ...usage,
    input_tokens_details: {
      cached_tokens: 0,
      cache_write_tokens: 0,
      ...usage["input_tokens_details"] as ResponseFields | undefined,
    },
    output_tokens_details: { reasoning_tokens: 0 }, // llama-server does not count them apart, nor does Ollama
  };
}

function isJson(text: unknown): boolean {
  try {
    JSON.parse(String(text));
    return true;
  } catch {
    return false;
  }
}
