import * as z from "zod";
import { GatewayError } from "../errors.ts";
import { invalidField } from "../json_complaint.ts";
import type { ChatMedia } from "./chat.ts";
import { decodeOllamaEnvelope, type OllamaEnvelope, parseOllamaBody } from "./ollama_envelope.ts";
import { decodeOllamaMedia } from "./ollama_media.ts";

/** A request of `POST /api/generate`. */
export interface OllamaGenerate extends OllamaEnvelope {
  /** What is to be continued or answered. */
  readonly prompt: string;
  /** What comes behind the text that is to be filled in; often empty. */
  readonly suffix: string;
  /** In the place of the model's own; often empty. */
  readonly system: string;
  /** In the place of the model's own, in Go's language; often empty. */
  readonly template: string;
  /** Tokens of an earlier answer that this one goes on from. */
  readonly context: readonly number[] | undefined;
  /** The prompt is the whole text: no template is put around it. */
  readonly isRaw: boolean;
  /** Pictures and sounds that belong to the prompt. */
  readonly media: readonly ChatMedia[];
  /** There is no prompt: the model is to be loaded, no more. */
  readonly isLoad: boolean;
  /** There is no prompt, and the model is to be unloaded. */
  readonly isUnload: boolean;
}

const generate = z.object({
  prompt: z.string().nullish(),
  suffix: z.string().nullish(),
  system: z.string().nullish(),
  template: z.string().nullish(),
  context: z.array(z.int().min(0)).nullish(),
  raw: z.boolean().nullish(),
  images: z.array(z.string()).nullish(),
  shift: z.boolean().nullish(),
});

/**
 * Reads the body of `POST /api/generate`.
 *
 * @throws {GatewayError} `invalid_request` naming the field at fault.
 * @see `GenerateRequest` in api/types.go, ollama 0.33
 */
export function decodeOllamaGenerate(body: Uint8Array): OllamaGenerate {
  const said = parseOllamaBody(body);
  const envelope = decodeOllamaEnvelope(said);
  const parsed = generate.safeParse(said);
  if (!parsed.success) throw invalidField(said, parsed.error);
  const { prompt, suffix, system, template, context, raw, images } = parsed.data;
  const isLoad = !prompt;
  if (raw && (template || system || context?.length)) {
    const message = "raw mode does not support template, system, or context";
    throw new GatewayError("invalid_request", message, { field: "raw" });
  }
  return {
    ...envelope,
    stream: envelope.stream && !isLoad,
    prompt: prompt ?? "",
    suffix: suffix ?? "",
    system: system ?? "",
    template: template ?? "",
    context: context?.length ? context : undefined,
    isRaw: raw ?? false,
    media: decodeOllamaMedia(images ?? [], "images"),
    isLoad: isLoad && envelope.keepAliveMs !== 0,
    isUnload: isLoad && envelope.keepAliveMs === 0,
  };
}
