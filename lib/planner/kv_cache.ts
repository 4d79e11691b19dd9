import type { GgufModel } from "../gguf/model_info.ts";
import { rowBytes, tensorTypeByName } from "../gguf/tensor_types.ts";

/** llama.cpp rounds the context of a slot up to a multiple of this. */
const CELL_STEP = 256;

/** What the KV cache is sized by. */
export interface KvCacheShape {
  /** Tokens of one slot. */
  readonly contextSize: number;
  /** Each slot has a context of its own. */
  readonly slotCount: number;
  /** Name of the elements' type in lower case, such as `f16` or `q8_0`. */
  readonly kvType: string;
}

/**
 * Bytes of the KV cache of each layer, taking every layer for one with full attention: layers with a sliding
 * window need less, never more.
 *
 * @throws {RangeError} If there is no such type, or a head's width is no multiple of its block.
 * @see `llama_kv_cache` in src/llama-kv-cache.cpp of llama.cpp
 */
export function kvCacheBytesPerLayer(
  model: Pick<GgufModel, "kvHeadCounts" | "keyLength" | "valueLength">,
  { contextSize, slotCount, kvType }: KvCacheShape,
): number[] {
  const type = tensorTypeByName(kvType.toUpperCase());
  if (!type) throw new RangeError(`"${kvType}" is no type for a KV cache; use f16 or q8_0`);
  const cellCount = Math.ceil(contextSize / CELL_STEP) * CELL_STEP * slotCount;
  return model.kvHeadCounts.map((headCount) => {
    if (headCount === 0) return 0; // recurrent layers have none
    const cellBytes = rowBytes(type, headCount * model.keyLength) +
      rowBytes(type, headCount * model.valueLength);
    return cellBytes * cellCount;
  });
}
