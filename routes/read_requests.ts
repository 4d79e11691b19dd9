import * as z from "zod";
import type { Clock } from "../lib/clock.ts";
import {
  decodeChatEnvelope,
  decodeCompletionEnvelope,
  decodeEmbeddingEnvelope,
  type RequestEnvelope,
} from "../lib/dialects/openai_request.ts";
import { GatewayError } from "../lib/errors.ts";
import type { BatchEndpoint } from "../lib/tasks/batch.ts";
import { TimeSlice } from "../lib/tasks/time_slice.ts";
import { readJson } from "./read_json.ts";

/** The most requests at once; more of them want a batch that outlives its client. */
const MAX_REQUESTS = 10_000;

/** Requests that are to be run at once. */
export interface Requests {
  /** Each was checked: it can be asked. */
  readonly requests: readonly { readonly endpoint: BatchEndpoint; readonly body: Uint8Array<ArrayBuffer> }[];
  /** Whether the answers are wanted as they come. */
  readonly stream: boolean;
}

const KINDS = {
  chat: { endpoint: "/v1/chat/completions", decode: decodeChatEnvelope },
  generate: { endpoint: "/v1/completions", decode: decodeCompletionEnvelope },
  embed: { endpoint: "/v1/embeddings", decode: decodeEmbeddingEnvelope },
} as const satisfies Record<
  string,
  { endpoint: BatchEndpoint; decode: (body: Uint8Array) => RequestEnvelope }
>;

const several = z.strictObject({
  requests: z.array(z.looseObject({ type: z.enum(["chat", "generate", "embed"]) })).min(1).max(MAX_REQUESTS),
  stream: z.boolean().default(false),
});

const schema = z.unknown()
  .transform((said) => Array.isArray(said) ? { requests: said } : said)
  .pipe(several);

/**
 * Reads a list of requests, or an object with such a list, and looks at each of them, with pauses in between.
 *
 * @throws {GatewayError} As {@linkcode readJson} does; the place of a mistake names the request by its index.
 */
export async function readRequests(
  request: Request,
  { maxBytes, clock }: { readonly maxBytes: number; readonly clock: Clock },
): Promise<Requests> {
  const said = await readJson(request, { schema, maxBytes });
  const slice = new TimeSlice(clock);
  const requests: Requests["requests"][number][] = [];
  for (const { type, ...body } of said.requests) {
    requests.push(checked(type, body, requests.length));
    if (slice.isOver) await slice.next();
  }
  return { requests, stream: said.stream };
}

function checked(
  type: keyof typeof KINDS,
  fields: Readonly<Record<string, unknown>>,
  index: number,
): Requests["requests"][number] {
  const { endpoint, decode } = KINDS[type];
  const body = encoder.encode(JSON.stringify(fields));
  try {
    const { stream } = decode(body);
    if (!stream && fields["stream"] !== true) return { endpoint, body };
  } catch (cause) {
    if (!(cause instanceof GatewayError)) throw cause;
    throw mistake(index, cause.field, cause.message, cause);
  }
  throw mistake(
    index,
    "stream",
    `"stream" must be false: ask for the stream of all answers beside "requests"`,
  );
}

function mistake(index: number, field: string | undefined, message: string, cause?: unknown): GatewayError {
  const place = `requests[${index}]`;
  return new GatewayError("invalid_request", `${place}: ${message}`, {
    field: field === undefined ? place : `${place}.${field}`,
    ...(cause !== undefined && { cause }),
  });
}

const encoder = new TextEncoder();
