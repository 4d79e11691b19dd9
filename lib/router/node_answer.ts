import { readUpstreamError } from "../dialects/upstream_error.ts";
import type { HeaderList } from "../http/headers.ts";
import { headerValue } from "../http/headers.ts";
import type { HttpResponse } from "../http/client.ts";
import { HttpError } from "../http/error.ts";
import { jsonIn } from "../json_text.ts";
import { formatBytes, MIB } from "../units.ts";

/** Refusals are short; more of one is not read, bytes. */
const MAX_REFUSAL_BYTES = MIB;
/** What a node does whose list of models names one that it does not find. */
const MISSING = "lists the model, but answered 404: it has not got it";
/** How long a node that is too busy is left alone if it does not say, ms. */
const BUSY_PAUSE_MS = 1_000;
/** It may ask for more, but nobody can check that later: the longest pause that is granted, ms. */
const LONGEST_PAUSE_MS = 5 * 60_000;

/**
 * Why an answer of a node is not the client's: `busy`: it has too much to do; `missing`: it has not got the model;
 * `too large`: the model does not fit its memory; `unable`: its Ollama is too old for what is asked, or it wants another
 * key of us; `failed`: it answers 5xx, which may also be what the request deserves; `nonsense`: no Ollama answers like
 * that.
 */
export type NodeRefusalKind = "busy" | "missing" | "too large" | "unable" | "failed" | "nonsense";

/** An answer of a node that another node may better. The request was not answered by it. */
export class NodeRefusal extends Error {
  /** For logs. */
  override readonly name = "NodeRefusal";

  /** The message says what the node did, and follows its name. */
  constructor(
    readonly kind: NodeRefusalKind,
    message: string,
    /** For how long it is to be left alone, ms; 0 unless it is busy. */
    readonly pauseMs: number,
    /** The answer as it came. */
    readonly answer: { readonly status: number; readonly headers: HeaderList; readonly body: Uint8Array },
  ) {
    super(message);
  }

  /** Whether the client is to get the node's own words if nobody betters them: they are of its request, and it can read them. */
  get isForClient(): boolean {
    const { status, body } = this.answer;
    const isOfRequest = this.kind === "failed" || this.kind === "busy" || status === 501;
    return isOfRequest && status >= 400 && messageIn(body) !== "";
  }
}

/** What a request wanted of a node. */
export interface NodeWish {
  /** Whether it asked for a stream. */
  readonly stream: boolean;
}

/**
 * Whether what an answer begins with is one that the client is to get. What the client did wrong (4xx) is the client's.
 *
 * @throws {NodeRefusal} If it is none; its body is read or cancelled then.
 * @throws {HttpError} If it breaks off meanwhile.
 */
export async function requireAnswer(response: HttpResponse, { stream }: NodeWish): Promise<void> {
  const { status, headers } = response;
  if (status >= 200 && status < 300) {
    const type = (headerValue(headers, "content-type") ?? "none").toLowerCase();
    if (type.startsWith("application/json") || (stream && STREAM_TYPE.test(type))) return;
    response.body.cancel();
    throw nonsense(response, `answered with content of the type ${type.slice(0, 60)}`);
  }
  if (status < 400) {
    response.body.cancel();
    throw nonsense(response, `answered ${status}, a redirect, which is not followed`);
  }
  const isTheirs = status < 500 && !NOT_THEIRS.has(status);
  if (isTheirs) return;
  const body = await refusalOf(response);
  const said = messageIn(body);
  const answer = { status, headers, body };
  if (status === 401 || status === 403) { // the client's own key was looked at before
    throw new NodeRefusal(
      "unable",
      `refuses us (${status}${quoted(said)}); see api_key in ollama_nodes`,
      0,
      answer,
    );
  }
  if (status === 404) {
    if (/not found/i.test(said)) throw new NodeRefusal("missing", MISSING, 0, answer);
    throw new NodeRefusal("unable", `does not know what is asked (404); update its Ollama`, 0, answer);
  }
  if (status === 429 || status === 503) {
    const pauseMs = pauseOf(headers);
    throw new NodeRefusal("busy", `has too much to do (${status}${quoted(said)})`, pauseMs, answer);
  }
  if (status === 501) { // what is asked is not for this model, whoever holds it
    throw new NodeRefusal("unable", `cannot do what is asked (501${quoted(said)})`, 0, answer);
  }
  const isTooLarge = /requires more system memory|out of memory|cudaMalloc failed/i.test(said);
  throw new NodeRefusal(isTooLarge ? "too large" : "failed", `answered ${status}${quoted(said)}`, 0, answer);
}

/**
 * Whether a whole answer is one: JSON, and no error in disguise.
 *
 * @throws {NodeRefusal} If it is none.
 */
export function requireJson(
  response: Pick<HttpResponse, "status" | "headers">,
  body: Uint8Array,
): Record<string, unknown> {
  const value = jsonIn(decoder.decode(body));
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new NodeRefusal("nonsense", "answered with what is no JSON object", 0, { ...response, body });
  }
  if ("error" in value && value.error !== null) {
    const said = messageIn(body);
    throw new NodeRefusal("failed", `answered ${response.status} with an error inside${quoted(said)}`, 0, {
      ...response,
      body,
    });
  }
  return value as Record<string, unknown>;
}

const STREAM_TYPE = /^(?:text\/event-stream|application\/x-ndjson)/;
const CRASH = /"model":""/;
const ERROR_EVENT = /^(?:(?:data: ?)?\{"error"|event: (?:error|response\.failed)$)/m;
/** Of the first events so much is looked at, bytes. */
const LOOKED_AT_BYTES = 16 * 1024;

/**
 * Whether the first events of a stream are those of an answer. Ollama does not tell in this dialect that the process which
 * runs the model has died: it sends a chunk that is empty but for its form, and ends the stream.
 *
 * @throws {NodeRefusal} If they are none.
 */
export function requireBeginning(
  response: Pick<HttpResponse, "status" | "headers">,
  events: Uint8Array,
): void {
  const text = decoder.decode(events.subarray(0, LOOKED_AT_BYTES));
  const { status, headers } = response;
  const answer = { status, headers, body: new Uint8Array(0) };
  if (CRASH.test(text)) throw new NodeRefusal("failed", "lost the process that runs the model", 0, answer);
  if (ERROR_EVENT.test(text)) {
    throw new NodeRefusal(
      "failed",
      `answered ${status} with an error inside${quoted(firstError(text))}`,
      0,
      answer,
    );
  }
}

function firstError(events: string): string {
  const [, data = ""] = /^(?:data: ?)?(\{"(?:error|type":"(?:error|response\.failed))".*)$/m.exec(events) ??
    [];
  return readUpstreamError(data).message;
}

/** What an error body says, in Ollama's own form or in OpenAI's; empty if it says nothing. */
export function messageIn(body: Uint8Array): string {
  return messageOfJson(decoder.decode(body));
}

function messageOfJson(text: string): string {
  const value = jsonIn(text);
  const error: unknown = (value as { error?: unknown } | undefined | null)?.error;
  if (typeof error === "string") return error;
  const message: unknown = (error as { message?: unknown } | undefined | null)?.message;
  return typeof message === "string" ? message : "";
}

/** What of 4xx is no fault of the client's. */
const NOT_THEIRS: ReadonlySet<number> = new Set([401, 403, 404, 429]);

async function refusalOf(response: HttpResponse): Promise<Uint8Array> {
  try {
    return await response.body.bytes(MAX_REFUSAL_BYTES);
  } catch (error) {
    if (!(error instanceof HttpError) || error.kind !== "too_large") throw error;
    throw nonsense(
      response,
      `answered ${response.status}, and more than ${formatBytes(MAX_REFUSAL_BYTES)} with it`,
    );
  }
}

function nonsense({ status, headers }: HttpResponse, message: string): NodeRefusal {
  return new NodeRefusal("nonsense", message, 0, { status, headers, body: new Uint8Array(0) });
}

/** @see RFC 9110 section 10.2.3; dates are rare there, and count as no word. */
function pauseOf(headers: HeaderList): number {
  const said = headerValue(headers, "retry-after");
  const seconds = said !== undefined && /^\d{1,6}$/.test(said.trim()) ? Number(said) : undefined;
  return seconds === undefined ? BUSY_PAUSE_MS : Math.min(LONGEST_PAUSE_MS, Math.max(seconds * 1_000, 100));
}

const decoder = new TextDecoder();

function quoted(said: string): string {
  return said === "" ? "" : `: ${said.slice(0, 300)}`;
}
