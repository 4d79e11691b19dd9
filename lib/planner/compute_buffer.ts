import type { GgufModel } from "../gguf/model_info.ts";
import { ACTIVATION_BYTES, type Batch, batchOf, PIPELINE_COPIES } from "./batch.ts";
import { layerPeakElements } from "./layer_graph.ts";
import type { LayerRange, PlanShape } from "./plan_input.ts";
import { isDeltaNet } from "./recurrent_graph.ts";

/** What compute buffers depend on. */
export type ComputeModel = Pick<
  GgufModel,
  | "architecture"
  | "blockCount"
  | "embeddingLength"
  | "experts"
  | "layers"
  | "recurrent"
  | "slidingWindow"
  | "vocabularySize"
>;

/** Embeddings come thrice: of the tokens, and two for batches that mix tokens with images. */
const EMBEDDING_COUNT = 3;
/** The position as i32, and as i64 the cells of K and V in two caches. */
const INDEX_BYTES = 4 + 2 * 2 * 8;
const F16_BY_F32 = 0.5;
/** What a stray end of a recurrent layer reads is so many times as wide as its result. */
const STRAY_INPUT = 2;

/**
 * Bytes that an rpc device needs beside its layers, for computing. llama.cpp reserves them for a full batch on a full
 * cache: all inputs of the device, and behind them the worst moment of its worst layer. Logits hardly matter, as they
 * are computed for one token a slot.
 *
 * Grows with the range, but for two cases: the whole model on one device, which keeps each input once, and a few
 * activations where recurrent layers meet.
 *
 * @returns What the device of a range needs. Cheap: what layers need is computed here, once for each kind.
 * @see `llama_context::sched_reserve` in src/llama-context.cpp and `ggml_backend_sched_split_graph` in
 * ggml/src/ggml-backend.cpp of llama.cpp, b11669
 */
export function computeBufferBytes(model: ComputeModel, shape: PlanShape): (range: LayerRange) => number {
  const batch = batchOf(model, shape);
  const { hiddenBytes, fullMaskBytes, windowMaskBytes } = batch;
  const activationBytes = batch.tokenCount * ACTIVATION_BYTES;
  const indexBytes = batch.tokenCount * INDEX_BYTES;
  const peakBytes = layerPeaks(model, shape, batch).map((elements) => elements * activationBytes);
  const strayBytes = strayElements(model).map((elements) => elements * activationBytes);

  return ({ firstLayer, layerCount, hasOutput }) => {
    if (layerCount === 0) return outputBytes(model, shape);
    const end = firstLayer + layerCount;
    const found = scan(model.layers, peakBytes, firstLayer, end);
    const sharedBytes = indexBytes + (found.hasFull ? fullMaskBytes : 0) +
      (found.hasWindow ? windowMaskBytes : 0);
    if (layerCount === model.blockCount && hasOutput) return sharedBytes + hiddenBytes + found.peakBytes;
    const inputBytes = sharedBytes + hiddenBytes * (firstLayer === 0 ? EMBEDDING_COUNT : 1) +
      STRAY_INPUT * strayBytes[firstLayer]! + strayBytes[end]!;
    const mixedBytes = firstLayer === 0 ? hiddenBytes : 0; // where the embeddings are put together
    return PIPELINE_COPIES * inputBytes + mixedBytes + found.peakBytes;
  };
}

/** Elements that one token needs in each layer at its worst moment; layers of a kind are drawn once. */
function layerPeaks(model: ComputeModel, { slotCount, kvType }: PlanShape, batch: Batch): number[] {
  const { architecture, embeddingLength, experts, layers, recurrent } = model;
  const sequenceShare = slotCount / batch.tokenCount;
  const known = new Map<string, number>();
  return layers.map((layer, index) => {
    const isLast = index === layers.length - 1;
    const kind = JSON.stringify([layer, isLast]);
    const cellCount = layer.cache === "window" ? batch.windowCellCount : batch.fullCellCount;
    const peak = known.get(kind) ?? layerPeakElements({
      ...{ architecture, embeddingLength, layer, recurrent, isLast, sequenceShare },
      experts: layer.feedForwardLength > 0 ? undefined : experts,
      copiedCellShare: kvType === "f32" ? cellCount * sequenceShare * F16_BY_F32 : 0,
    });
    known.set(kind, peak);
    return peak;
  });
}

/**
 * At each boundary between layers, what the layer below it sends back over it: llama.cpp asks for the end of a layer
 * only after the state of the recurrent layer above, and then computes it on that one's device.
 */
function strayElements(model: ComputeModel): number[] {
  const { architecture, layers, recurrent, experts, embeddingLength } = model;
  return Array.from({ length: layers.length + 1 }, (_, boundary) => {
    const [below, above] = [layers[boundary - 1], layers[boundary]];
    if (!recurrent || isDeltaNet(architecture) || !below || !above?.recurrentWidth) return 0;
    if (experts) return embeddingLength / STRAY_INPUT; // only the last sum, which stays there
    return below.recurrentWidth > 0 && below.cache === "none" ? recurrent.innerLength : 0;
  });
}

function scan(
  layers: ComputeModel["layers"],
  peaks: readonly number[],
  first: number,
  end: number,
): { hasFull: boolean; hasWindow: boolean; peakBytes: number } {
  const found = { hasFull: false, hasWindow: false, peakBytes: 0 };
  for (let index = first; index < end; index++) {
    const { cache } = layers[index]!;
    if (cache === "full") found.hasFull = true;
    if (cache === "window") found.hasWindow = true;
    if (peaks[index]! > found.peakBytes) found.peakBytes = peaks[index]!;
  }
  return found;
}

/** The device of the output layer alone gets the few tokens whose logits are asked for. */
function outputBytes(model: ComputeModel, { slotCount }: PlanShape): number {
  const { embeddingLength, vocabularySize = 0 } = model;
  return slotCount * ACTIVATION_BYTES * ((PIPELINE_COPIES + 1) * embeddingLength + vocabularySize);
}
