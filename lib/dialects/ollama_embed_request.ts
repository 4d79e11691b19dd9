import * as z from "zod";
import { invalidField } from "../json_complaint.ts";
import { decodeOllamaEnvelope, parseOllamaBody } from "./ollama_envelope.ts";

/** A request of `POST /api/embed`, or of the older `POST /api/embeddings`. */
export interface OllamaEmbed {
  /** The model's name as the client wrote it, if it did. */
  readonly model: string | undefined;
  /** What is to be embedded; none: the model is only to be loaded, or unloaded. */
  readonly texts: readonly string[];
  /** Whether a text that is too long is cut. */
  readonly truncate: boolean;
  /** Of each vector so many numbers are wanted; `undefined`: all. */
  readonly dimensions: number | undefined;
  /** For how long the model is to stay loaded once it is idle, ms. */
  readonly keepAliveMs: number | undefined;
  /** Whether it is the older form: one text, and its vector as the model gives it. */
  readonly isLegacy: boolean;
  /** There is no text, and the model is to be unloaded. */
  readonly isUnload: boolean;
}

const embed = z.object({
  input: z.union([z.string(), z.array(z.string())], "must be text or a list of texts").nullish(),
  dimensions: z.int().min(0).nullish(),
});
const embeddings = z.object({ prompt: z.string().nullish() });

/**
 * Reads the body of `POST /api/embed`.
 *
 * @throws {GatewayError} `invalid_request` naming the field at fault.
 * @see `EmbedRequest` in api/types.go, ollama 0.33
 */
export function decodeOllamaEmbed(body: Uint8Array): OllamaEmbed {
  const said = parseOllamaBody(body);
  const { model, truncate, keepAliveMs } = decodeOllamaEnvelope({ ...said, stream: false });
  const parsed = embed.safeParse(said);
  if (!parsed.success) throw invalidField(said, parsed.error);
  const { input, dimensions } = parsed.data;
  const texts = Array.isArray(input) ? input : input ? [input] : [];
  const isUnload = texts.length === 0 && keepAliveMs === 0;
  return {
    model,
    texts,
    truncate,
    dimensions: dimensions || undefined,
    keepAliveMs,
    isLegacy: false,
    isUnload,
  };
}

/**
 * Reads the body of `POST /api/embeddings`.
 *
 * @throws {GatewayError} `invalid_request` naming the field at fault.
 * @see `EmbeddingRequest` in api/types.go, ollama 0.33
 */
export function decodeOllamaEmbeddings(body: Uint8Array): OllamaEmbed {
  const said = parseOllamaBody(body);
  const { model, keepAliveMs } = decodeOllamaEnvelope({ ...said, stream: false });
  const parsed = embeddings.safeParse(said);
  if (!parsed.success) throw invalidField(said, parsed.error);
  const texts = parsed.data.prompt ? [parsed.data.prompt] : [];
  const isUnload = texts.length === 0 && keepAliveMs === 0;
  return { model, texts, truncate: true, dimensions: undefined, keepAliveMs, isLegacy: true, isUnload };
}
