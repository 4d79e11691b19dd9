import * as z from "zod";
import type { Manifest } from "./manifest.ts";

/** What a manifest describes, and so who can load it. */
export type ModelKind =
  /** One GGUF file: Ollama and llama-server load it. */
  | "gguf"
  /** Tensors that only Ollama's MLX runner loads. */
  | "safetensors"
  /** A stub: the model runs at a remote host and has no weights here. */
  | "cloud"
  /** Several GGUF files, and nothing says which one is meant. */
  | "ambiguous"
  /** No weights and no remote host either. */
  | "empty";

/** What the config blob of a model says; each field is absent where it is empty or of a wrong type. */
export interface ModelConfig {
  /** `gguf` or `safetensors`. */
  readonly format?: string | undefined;
  /** The GGUF's `general.architecture`: `llama`. */
  readonly family?: string | undefined;
  /** All architectures inside, such as `llama` and `clip`. */
  readonly families?: readonly string[] | undefined;
  /** Number of parameters for people: `70.6B`. */
  readonly parameterSize?: string | undefined;
  /** Quantization: `Q4_K_M`. */
  readonly quantization?: string | undefined;
  /** Name of the renderer built into Ollama that replaces the template. */
  readonly renderer?: string | undefined;
  /** Host that runs a cloud model. */
  readonly remoteHost?: string | undefined;
  /** Its name there. */
  readonly remoteModel?: string | undefined;
}

const text = z.string().min(1).optional().catch(undefined);
const schema = z.object({
  model_format: text,
  model_family: text,
  model_families: z.array(z.string()).optional().catch(undefined),
  model_type: text,
  file_type: text,
  renderer: text,
  remote_host: text,
  remote_model: text,
});

/**
 * Decodes a config blob. Its `architecture` and `os` are constants that mean nothing and are not read.
 *
 * @throws {SyntaxError} If it is not a JSON object.
 * @see ConfigV2 in types/model/config.go, ollama 0.33
 */
export function decodeModelConfig(json: string): ModelConfig {
  const parsed = schema.safeParse(JSON.parse(json));
  if (!parsed.success) throw new SyntaxError(`Cannot decode config: it is not a JSON object`);
  const raw = parsed.data;
  return {
    format: raw.model_format,
    family: raw.model_family,
    families: raw.model_families,
    parameterSize: raw.model_type,
    quantization: raw.file_type,
    renderer: raw.renderer,
    remoteHost: raw.remote_host,
    remoteModel: raw.remote_model,
  };
}

/** What the manifest and the config describe together. */
export function modelKind(manifest: Manifest, config: ModelConfig): ModelKind {
  if (config.remoteHost) return "cloud";
  if (config.format === "safetensors" || (manifest.models.length === 0 && manifest.tensorCount > 0)) {
    return "safetensors";
  }
  if (manifest.models.length > 1) return "ambiguous";
  return manifest.models.length === 1 ? "gguf" : "empty";
}

/** A turn of conversation stored with a model, put before each chat. */
export interface StoredMessage {
  /** `system`, `user`, `assistant` or `tool`. */
  readonly role: string;
  /** Its text, perhaps empty. */
  readonly content: string;
}

/**
 * Decodes the `messages` manifest layer: a JSON array of objects with `role` and `content`.
 *
 * @throws {SyntaxError} If it is anything else.
 */
export function decodeMessages(json: string): StoredMessage[] {
  const parsed = z.array(z.object({ role: z.string(), content: z.string().default("") })).safeParse(
    JSON.parse(json),
  );
  if (parsed.success) return parsed.data;
  throw new SyntaxError(`Cannot decode messages: want an array of {"role", "content"}`);
}
