import type { GgufModel } from "../gguf/model_info.ts";
import type { PlanShape } from "./plan_input.ts";

/** llama.cpp's own physical batch, tokens. */
const DEFAULT_UBATCH_SIZE = 512;
/** llama.cpp rounds the context of a slot up to a multiple of this. */
const CELL_STEP = 256;
/** Rpc devices take every operation, so attention is flash attention, and that wants its mask in F16. */
const MASK_BYTES = 2;

/** Bytes of an activation: F32. */
export const ACTIVATION_BYTES = 4;
/** With several devices llama.cpp overlaps batches and keeps each input so often: `GGML_SCHED_MAX_COPIES`. */
export const PIPELINE_COPIES = 4;

/** A full batch on a full cache, for which llama.cpp reserves. */
export interface Batch {
  /** Tokens: no more than the slots can hold. */
  readonly tokenCount: number;
  /** Cells of a slot in the cache of full attention. */
  readonly fullCellCount: number;
  /** Cells of a slot in the cache of the sliding window. */
  readonly windowCellCount: number;
  /** Bytes of the mask of full attention: for each token a row over the cells of its slot. */
  readonly fullMaskBytes: number;
  /** Bytes of the mask of the sliding window. */
  readonly windowMaskBytes: number;
  /** Bytes of the residual stream. */
  readonly hiddenBytes: number;
}

/** The batch of a model that is run so. */
export function batchOf(
  { embeddingLength, slidingWindow }: Pick<GgufModel, "embeddingLength" | "slidingWindow">,
  { contextSize, slotCount, ubatchSize = DEFAULT_UBATCH_SIZE }: PlanShape,
): Batch {
  const fullCellCount = roundUpCells(contextSize);
  const windowCellCount = Math.min(fullCellCount, roundUpCells(slidingWindow + ubatchSize));
  const tokenCount = Math.min(ubatchSize, fullCellCount * slotCount);
  return {
    ...{ tokenCount, fullCellCount, windowCellCount },
    fullMaskBytes: tokenCount * fullCellCount * MASK_BYTES,
    windowMaskBytes: tokenCount * windowCellCount * MASK_BYTES,
    hiddenBytes: tokenCount * embeddingLength * ACTIVATION_BYTES,
  };
}

function roundUpCells(tokenCount: number): number {
  return Math.ceil(tokenCount / CELL_STEP) * CELL_STEP;
}
