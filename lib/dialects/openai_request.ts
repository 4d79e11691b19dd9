import * as z from "zod";
import { GatewayError } from "../errors.ts";
import { invalidField } from "../json_complaint.ts";
import { parseKeepAlive } from "../ollama/keep_alive.ts";
import { parsedBy } from "../parsed_by.ts";
import { conversationTurns } from "./conversation.ts";

/** What the gateway must know of a request for inference; all other fields pass through untouched. */
export interface RequestEnvelope {
  /** The model's name as the client wrote it, if it did. */
  readonly model: string | undefined;
  /** Whether the answer is a stream of events. */
  readonly stream: boolean;
  /** For how long its model is to stay loaded once it is idle, ms, where it says so as Ollama's clients do. */
  readonly keepAliveMs: number | undefined;
}

/** The envelope of a chat. */
export interface ChatEnvelope extends RequestEnvelope {
  /** Stand for its beginnings: after each message one; equal for equal beginnings, see {@linkcode conversationTurns}. */
  readonly turns: readonly string[];
}

/** The envelope of a request for embeddings. */
export interface EmbeddingEnvelope extends RequestEnvelope {
  /** The inputs, where there are several that can be embedded one by one; `undefined`: there is one. */
  readonly inputs: readonly unknown[] | undefined;
}

const keepAliveField = z.union(
  [z.string().max(64), z.number()],
  `must be a duration such as "10m", or a number of seconds`,
).transform(parsedBy(parseKeepAlive));

const common = {
  model: z.string().max(1_024).nullish(),
  stream: z.boolean().nullish(),
  keep_alive: keepAliveField.nullish(),
};

const chatEnvelope = z.looseObject({
  ...common,
  messages: z.array(z.looseObject({ role: z.string() })).min(1),
});

const PROMPT = "must be text, a list of texts, or a list of tokens";
const completionEnvelope = z.looseObject({
  ...common,
  prompt: z.union([z.string(), z.array(z.unknown())], PROMPT),
});

const embeddingEnvelope = z.looseObject({
  ...common,
  input: z.union([z.string(), z.array(z.unknown()).min(1)], PROMPT),
});

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/**
 * Reads the envelope of `POST /v1/chat/completions`.
 *
 * @throws {GatewayError} `invalid_request` naming the field at fault, if the body is not UTF-8, not JSON, not
 *   an object, or has a `model`, `stream` or `messages` of the wrong type.
 * @see https://platform.openai.com/docs/api-reference/chat/create
 */
export function decodeChatEnvelope(body: Uint8Array): ChatEnvelope {
  const said = parseJson(body, "a model and messages");
  const parsed = chatEnvelope.safeParse(said);
  if (!parsed.success) throw invalidField(said, parsed.error);
  return { ...toEnvelope(parsed.data), turns: conversationTurns(parsed.data.messages) };
}

/**
 * Reads the envelope of `POST /v1/completions`.
 *
 * @throws {GatewayError} `invalid_request`, as {@linkcode decodeChatEnvelope} does, for a `prompt` of the wrong type.
 * @see https://platform.openai.com/docs/api-reference/completions/create
 */
export function decodeCompletionEnvelope(body: Uint8Array): RequestEnvelope {
  const said = parseJson(body, "a model and a prompt");
  const parsed = completionEnvelope.safeParse(said);
  if (!parsed.success) throw invalidField(said, parsed.error);
  return toEnvelope(parsed.data);
}

/**
 * Reads the envelope of `POST /v1/embeddings`, whose answer is never a stream.
 *
 * @throws {GatewayError} `invalid_request`, as {@linkcode decodeChatEnvelope} does, for an `input` of the wrong type.
 * @see https://platform.openai.com/docs/api-reference/embeddings/create
 */
export function decodeEmbeddingEnvelope(body: Uint8Array): EmbeddingEnvelope {
  const said = parseJson(body, "a model and an input");
  const parsed = embeddingEnvelope.safeParse(said);
  if (!parsed.success) throw invalidField(said, parsed.error);
  return { ...toEnvelope(parsed.data), stream: false, inputs: severalInputs(parsed.data.input) };
}

function toEnvelope(
  { model, stream, keep_alive: keepAliveMs }: {
    model?: string | null | undefined;
    stream?: boolean | null | undefined;
    keep_alive?: number | null | undefined;
  },
): RequestEnvelope {
  return { model: model ?? undefined, stream: stream ?? false, keepAliveMs: keepAliveMs ?? undefined };
}

/** A list of numbers is one input, made of tokens. */
function severalInputs(input: string | unknown[]): readonly unknown[] | undefined {
  if (typeof input === "string" || typeof input[0] === "number") return undefined;
  return input;
}

function parseJson(body: Uint8Array, wanted: string): unknown {
  if (body.byteLength === 0) {
    throw new GatewayError(
      "invalid_request",
      `The request has no body; send a JSON object with ${wanted}`,
    );
  }
  let text: string;
  try {
    text = decoder.decode(body);
  } catch (cause) {
    throw new GatewayError("invalid_request", "The body is not valid UTF-8; send JSON encoded as UTF-8", {
      cause,
    });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    const detail = (cause as SyntaxError).message;
    throw new GatewayError("invalid_request", `The body is not valid JSON: ${detail}`, { cause });
  }
}
