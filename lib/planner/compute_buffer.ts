import type { GgufModel } from "../gguf/model_info.ts";
import { MIB } from "../units.ts";

/** llama.cpp's own physical batch, tokens. */
const DEFAULT_UBATCH_SIZE = 512;
const F32_BYTES = 4;
/** Activations of one layer at a time, in widths of the residual stream: attention and feed-forward together. */
const WIDTHS = 10;
const FIXED_BYTES = 16 * MIB;

/**
 * Bytes that a device needs beside its layers, for computing. A rough estimate: the real figure comes from llama.cpp's
 * own graph. Large vocabularies dominate, since the logits of a whole batch are kept.
 */
export function computeBufferBytes(
  model: Pick<GgufModel, "embeddingLength" | "vocabularySize">,
  { ubatchSize = DEFAULT_UBATCH_SIZE }: { ubatchSize?: number | undefined } = {},
): number {
  const perTokenElements = WIDTHS * model.embeddingLength + (model.vocabularySize ?? 0);
  return FIXED_BYTES + ubatchSize * F32_BYTES * perTokenElements;
}
