import type { GgufMetadata } from "./metadata.ts";

/** How the vectors of tokens become one of a text. `rank` gives a score for two texts instead. */
export type Pooling = "none" | "mean" | "cls" | "last" | "rank";

/** What a file shows of what its model is for. */
export interface ModelTraits {
  /** Set for a model that was made for embeddings or for ranking. */
  readonly pooling: Pooling | undefined;
  /** Whether the file has a part that sees pictures in it. */
  readonly hasVision: boolean;
  /** Whether the file has a part that hears in it. */
  readonly hasAudio: boolean;
  /** Whether it names the tokens for filling in the middle. */
  readonly canInfill: boolean;
}

/** By their numbers in the file. @see `llama_pooling_type` in include/llama.h */
const POOLINGS: readonly Pooling[] = ["none", "mean", "cls", "last", "rank"];

/**
 * Reads what a model is for; of a projector, what it adds to one.
 *
 * @throws {GgufSyntaxError} If a key that tells it has another type than it must.
 */
export function traitsOf(metadata: GgufMetadata, architecture: string): ModelTraits {
  const has = (name: string) => metadata.has(`${architecture}.${name}`);
  const isProjector = architecture === "clip";
  return {
    pooling: poolingOf(metadata, architecture),
    hasVision: isProjector ? flag(metadata, "clip.has_vision_encoder") ?? true : has("vision.block_count"),
    hasAudio: isProjector ? flag(metadata, "clip.has_audio_encoder") ?? false : has("audio.block_count"),
    canInfill: INFILL_KEYS.some((key) => metadata.has(key)),
  };
}

/** The token that begins what stands before the gap, by its present and its former name. */
const INFILL_KEYS = ["tokenizer.ggml.fim_pre_token_id", "tokenizer.ggml.prefix_token_id"];

/** A number that nobody knows yet is told by llama.cpp, whose own default then holds. */
function poolingOf(metadata: GgufMetadata, architecture: string): Pooling | undefined {
  const key = `${architecture}.pooling_type`;
  return metadata.has(key) ? POOLINGS[metadata.number(key) ?? 0] ?? "mean" : undefined;
}

function flag(metadata: GgufMetadata, key: string): boolean | undefined {
  return metadata.has(key) ? metadata.bool(key) : undefined;
}
