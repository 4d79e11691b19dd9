import * as z from "zod";
import type { Clock } from "../lib/clock.ts";
import { itemsIn, type JsonPlace, membersIn, objectOf, valuesOf } from "../lib/dialects/json_bytes.ts";
import {
  decodeChatEnvelope,
  decodeCompletionEnvelope,
  decodeEmbeddingEnvelope,
  type RequestEnvelope,
} from "../lib/dialects/openai_request.ts";
import { GatewayError } from "../lib/errors.ts";
import type { BatchEndpoint } from "../lib/tasks/batch.ts";
import { TimeSlice } from "../lib/tasks/time_slice.ts";
import { readJsonWithBytes } from "./read_json.ts";

/** The most requests at once; more of them want a batch that outlives its client. */
const MAX_REQUESTS = 10_000;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;

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

/** How {@linkcode readRequests} reads. */
export interface ReadRequestsOptions {
  /** A longer body is refused. */
  readonly maxBytes: number;
  /** For pauses in between. */
  readonly clock: Clock;
  /** Requires that the client may use a model; the usual one, if none is named. @throws {GatewayError} `forbidden`. */
  readonly requirePermitted: (model: string | undefined) => void;
}

/**
 * Reads a list of requests, or an object with such a list, and looks at each of them, with pauses in between.
 *
 * @throws {GatewayError} As `readJson` does; the place of a mistake names the request by its index.
 */
export async function readRequests(
  request: Request,
  { maxBytes, clock, requirePermitted }: ReadRequestsOptions,
): Promise<Requests> {
  const { said, bytes } = await readJsonWithBytes(request, { schema, maxBytes });
  const slice = new TimeSlice(clock);
  const requests: Requests["requests"][number][] = [];
  for (const place of placesIn(bytes)) {
    const index = requests.length;
    const { type, stream } = said.requests[index]!;
    const asked = { type, asksForStream: stream === true, body: bodyAt(bytes, place) };
    requests.push(checked(asked, index, requirePermitted));
    if (slice.isOver) await slice.next();
  }
  return { requests, stream: said.stream };
}

/** Where the requests stand: in the list, or that of the last `requests`, which is the one that counts. */
function placesIn(bytes: Uint8Array): Iterable<JsonPlace> {
  const isList = bytes.find((byte) => byte === OPEN_BRACKET || byte === OPEN_BRACE) === OPEN_BRACKET;
  return itemsIn(bytes, isList ? 0 : valuesOf(bytes, "requests").at(-1)!.start);
}

/** What is passed on: `type` is ours, all else the upstream's, byte for byte. */
function bodyAt(bytes: Uint8Array, { start }: JsonPlace): Uint8Array<ArrayBuffer> {
  return objectOf(bytes, [...membersIn(bytes, start).filter(({ key }) => key !== "type")]);
}

function checked(
  { type, asksForStream, body }: {
    readonly type: keyof typeof KINDS;
    readonly asksForStream: boolean;
    readonly body: Uint8Array<ArrayBuffer>;
  },
  index: number,
  requirePermitted: ReadRequestsOptions["requirePermitted"],
): Requests["requests"][number] {
  const { endpoint, decode } = KINDS[type];
  try {
    const { stream, model } = decode(body);
    requirePermitted(model);
    if (!stream && !asksForStream) return { endpoint, body };
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

function mistake(
  index: number,
  field: string | undefined,
  message: string,
  cause?: GatewayError,
): GatewayError {
  const place = `requests[${index}]`;
  return new GatewayError(cause?.code ?? "invalid_request", `${place}: ${message}`, {
    field: field === undefined ? place : `${place}.${field}`,
    ...(cause !== undefined && { cause }),
  });
}
