import type { LayerShape } from "../gguf/layer_shape.ts";
import type { GgufModel } from "../gguf/model_info.ts";
import { rowBytes, type TensorType, tensorTypeByName } from "../gguf/tensor_types.ts";
import { KV_TYPES } from "../llama_server/args.ts";
import type { PlanShape } from "./plan_input.ts";

/** llama.cpp rounds cells up to a multiple of this. */
const CELL_STEP = 256;
/** llama.cpp's own physical batch, tokens. */
const DEFAULT_UBATCH_SIZE = 512;
const F32_BYTES = 4;

/**
 * Bytes that each layer keeps for all slots: its KV cache, and the state of a recurrent layer.
 *
 * For a coordinator that is started with `-np`, as ours: each slot has a cache of its own, `--swa-full` is off, and flash
 * attention is what llama.cpp chooses itself. Without flash attention layers of different width would all take as much V
 * as the widest, which is not counted.
 *
 * @throws {RangeError} If there is no such type, or a layer's width is no multiple of its block.
 * @see `llama_kv_cache`, `llama_kv_cache_iswa` and `llama_memory_recurrent` in src of llama.cpp, b11669
 */
export function kvCacheBytesPerLayer(
  model: Pick<GgufModel, "layers" | "slidingWindow">,
  shape: PlanShape,
): number[] {
  const { contextSize, slotCount, kvType, ubatchSize = DEFAULT_UBATCH_SIZE } = shape;
  const type = typeOf(kvType);
  const fullCells = roundUp(contextSize);
  const windowCells = roundUp(Math.min(fullCells, model.slidingWindow + ubatchSize));
  return model.layers.map((layer, index) => {
    const cellCount = layer.cache === "window" ? windowCells : fullCells;
    const cacheBytes = layer.cache === "none" ? 0 : cellBytes(type, layer, index) * cellCount;
    return (cacheBytes + layer.recurrentWidth * F32_BYTES) * slotCount;
  });
}

function roundUp(cellCount: number): number {
  return Math.ceil(cellCount / CELL_STEP) * CELL_STEP;
}

function typeOf(kvType: string): TensorType {
  const type = (KV_TYPES as readonly string[]).includes(kvType) && tensorTypeByName(kvType.toUpperCase());
  if (type) return type;
  throw new RangeError(`"${kvType}" is no type for a KV cache; use one of ${KV_TYPES.join(", ")}`);
}

function cellBytes(type: TensorType, { keyWidth, valueWidth }: LayerShape, layer: number): number {
  const width = [keyWidth, valueWidth].find((width) => width % type.blockElements !== 0);
  if (width === undefined) return rowBytes(type, keyWidth) + rowBytes(type, valueWidth);
  const kvType = type.name.toLowerCase();
  throw new RangeError(
    `a KV cache of type ${kvType} packs ${type.blockElements} elements, but layer ${layer} keeps ${width} for each ` +
      "token; use f16",
  );
}
