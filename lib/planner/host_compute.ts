import { ACTIVATION_BYTES, batchOf, PIPELINE_COPIES } from "./batch.ts";
import type { ComputeModel } from "./compute_buffer.ts";
import type { PlanShape } from "./plan_input.ts";

/** As wide as the residual stream: the embeddings of a batch, of tokens and of images. Counted in measurements. */
const EMBEDDING_BUFFERS = 4;
/** With {@linkcode PIPELINE_COPIES} of what comes from outside. */
const COPIED_EMBEDDING_BUFFERS = 10;

/**
 * Bytes that the coordinator itself needs for computing, in the memory of its own host, when all layers are on rpc
 * devices: it makes the inputs of them all, and takes the logits.
 *
 * @param deviceCount Rpc devices that hold something.
 */
export function hostComputeBytes(model: ComputeModel, shape: PlanShape, deviceCount: number): number {
  const { fullMaskBytes, windowMaskBytes, hiddenBytes } = batchOf(model, shape);
  const has = (cache: "full" | "window") => model.layers.some((layer) => layer.cache === cache);
  const maskBytes = (has("full") ? fullMaskBytes : 0) + (has("window") ? windowMaskBytes : 0);
  const logitBytes = shape.slotCount * (model.vocabularySize ?? 0) * ACTIVATION_BYTES;
  return deviceCount > 1
    ? PIPELINE_COPIES * maskBytes + COPIED_EMBEDDING_BUFFERS * hiddenBytes + logitBytes
    : maskBytes + EMBEDDING_BUFFERS * hiddenBytes + logitBytes;
}
