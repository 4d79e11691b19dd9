import * as z from "zod";
import { GatewayError } from "../errors.ts";
import { invalidField } from "../json_complaint.ts";
import { parseKeepAlive } from "../ollama/keep_alive.ts";
import { parsedBy } from "../parsed_by.ts";
import type { ChatRequest, Thinking } from "./chat.ts";
import { readJsonBody } from "./json_body.ts";
import { decodeOllamaOptions } from "./ollama_options.ts";

/** What Ollama's requests for a chat, a text or embeddings have in common. */
export interface OllamaEnvelope {
  /** The model's name as the client wrote it, if it did. */
  readonly model: string | undefined;
  /** Whether the answer comes line by line; it does unless the client says no. */
  readonly stream: boolean;
  /** For how long the model is to stay loaded once it is idle, ms; `Infinity` for ever. */
  readonly keepAliveMs: number | undefined;
  /** What the answer must look like. */
  readonly format: ChatRequest["format"];
  /** How much it is to think. */
  readonly thinking: Thinking | undefined;
  /** Of sampling and length; what the client does not say is absent. */
  readonly options: ChatRequest["options"];
  /** How many alternatives are told for each token; `undefined`: no logarithms of probabilities. */
  readonly topLogprobs: number | undefined;
  /** Whether a prompt that is too long is made to fit. */
  readonly truncate: boolean;
}

const keepAlive = z.union(
  [z.string().max(64), z.number()],
  `must be a duration such as "10m", or a number of seconds`,
).transform(parsedBy(keepAliveMsOf));

const envelope = z.object({
  model: z.string().max(1_024).nullish(),
  stream: z.boolean().nullish(),
  keep_alive: keepAlive.nullish(),
  format: z.unknown().optional(),
  think: z.unknown().optional(),
  options: z.unknown().optional(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int("must be a whole number between 0 and 20")
    .min(0, "must be between 0 and 20").max(20, "must be between 0 and 20").nullish(),
  truncate: z.boolean().nullish(),
});

/**
 * Reads the body of a request.
 *
 * @throws {GatewayError} `invalid_request` if it is empty, not UTF-8, not JSON, no object, or nested too deep.
 */
export function parseOllamaBody(body: Uint8Array): Readonly<Record<string, unknown>> {
  return readJsonBody(body, "a model and what it is to do");
}

/**
 * Reads the fields that chats, texts and embeddings have in common; all others are let through.
 *
 * @throws {GatewayError} `invalid_request` naming the field at fault.
 * @see `ChatRequest` and `GenerateRequest` in api/types.go, ollama 0.33
 */
export function decodeOllamaEnvelope(said: Readonly<Record<string, unknown>>): OllamaEnvelope {
  const parsed = envelope.safeParse(said);
  if (!parsed.success) throw invalidField(said, parsed.error);
  const { model, stream, keep_alive, format, think, options, logprobs, top_logprobs, truncate } = parsed.data;
  return {
    model: model || undefined,
    stream: stream ?? true,
    keepAliveMs: keep_alive ?? undefined,
    format: formatOf(format),
    thinking: thinkingOf(think),
    options: decodeOllamaOptions(options),
    topLogprobs: logprobs ? top_logprobs ?? 0 : undefined,
    truncate: truncate ?? true,
  };
}

/** Go's small units, and fractions without a digit before the point, which other durations do not have. */
function keepAliveMsOf(said: string | number): number {
  const text = String(said)
    .replace(/^\s*\+/, "")
    .replaceAll(/(?<!\d)\.(?=\d)/g, "0.")
    .replaceAll(
      /(\d+(?:\.\d+)?)(ns|[uµμ]s)/g,
      (_, amount, unit) => `${(Number(amount) / (unit === "ns" ? 1e6 : 1e3)).toFixed(6)}ms`,
    );
  return parseKeepAlive(text);
}

/** Ollama notices another text only when the model runs, and answers 500 then; the client is at fault. */
function formatOf(said: unknown): ChatRequest["format"] {
  if (said === undefined || said === null || said === "") return undefined;
  if (said === "json") return "json";
  if (typeof said === "object" && !Array.isArray(said)) return { schema: said };
  const told = JSON.stringify(said).slice(0, 60);
  throw invalid("format", `invalid format: ${told}; expected "json" or a valid JSON Schema object`);
}

const LEVELS: readonly unknown[] = ["low", "medium", "high", "max"];

function thinkingOf(said: unknown): Thinking | undefined {
  if (said === undefined || said === null) return undefined;
  if (typeof said === "boolean" || LEVELS.includes(said)) return said as Thinking;
  const told = JSON.stringify(said).slice(0, 60);
  const message = `invalid think value: ${told} (must be "high", "medium", "low", "max", true, or false)`;
  throw invalid("think", message);
}

function invalid(field: string, message: string): GatewayError {
  return new GatewayError("invalid_request", message, { field });
}
