import { GatewayError } from "../errors.ts";
import type { GgufModel } from "../gguf/model_info.ts";
import { computeBufferBytes } from "./compute_buffer.ts";
import { hostComputeBytes } from "./host_compute.ts";
import { kvCacheBytesPerLayer } from "./kv_cache.ts";
import type { LayerRange, PlanShape } from "./plan_input.ts";

/** What a placement must know of a model. */
export interface PlanModel {
  /** For sentences. */
  readonly name: string;
  /** What it is to be run with. */
  readonly shape: PlanShape;
  /** Transformer blocks. */
  readonly blockCount: number;
  /** Tokens that it was trained to see at once; 0 if nobody told. */
  readonly trainedContextSize: number;
  /** Bytes of each layer's tensors. */
  readonly perLayerWeightBytes: readonly number[];
  /** Bytes of the KV cache of each layer, for all slots; it lies where the layer lies. */
  readonly perLayerKvBytes: readonly number[];
  /** Bytes of the output layer: its norm and matrix. */
  readonly outputBytes: number;
  /** Bytes of small tensors that every device holds a copy of. */
  readonly otherBytes: number;
  /** Bytes of the token embeddings, which stay in the memory of the coordinator's host. */
  readonly embeddingBytes: number;
  /** Most bytes of the memory of the coordinator's host: the embeddings, and for computing with several devices. */
  readonly hostBytes: number;
  /** Bytes of all tensors as they lie in the file. */
  readonly fileBytes: number;
  /** What {@linkcode computeBytes} was multiplied with. */
  readonly computeCorrection: number;
  /**
   * Bytes that the device of these layers needs for computing. Never shrinks when layers are added, but when it then
   * has the whole model: llama.cpp keeps fewer copies of its inputs if it has nothing to pass on.
   */
  computeBytes(range: LayerRange): number;
  /** Bytes that the coordinator's host needs for computing, with so many rpc devices that hold something. */
  hostComputeBytes(deviceCount: number): number;
  /**
   * The same model run with something else.
   *
   * @throws {GatewayError} `invalid_request` if it cannot be run so.
   */
  reshape(shape: PlanShape): PlanModel;
}

/** How a model is weighed. */
export interface WeighOptions {
  /** How far earlier loads of this architecture were off: real compute bytes by estimated ones. Default 1. */
  readonly computeCorrection?: number | undefined;
}

/** More than two need no more of the coordinator's host. */
const SEVERAL_DEVICES = 2;

/** llama.cpp counts the tokens of all slots together in a 32-bit integer. */
const MAX_CONTEXT_TOKENS = 2 ** 31 - 1;

/**
 * Bytes of everything that a model brings, by layer: weights, KV cache and compute buffers.
 *
 * @throws {GatewayError} `model_unusable` if it has no layers; `invalid_request` if it cannot be run with that shape.
 */
export function weighModel(
  name: string,
  content: GgufModel,
  shape: PlanShape,
  { computeCorrection = 1 }: WeighOptions = {},
): PlanModel {
  const { blockCount, weights } = content;
  if (blockCount < 1) {
    throw new GatewayError(
      "model_unusable",
      `Cannot plan "${name}": it has no layers to place (it is ${
        article(content.kind)
      }); use a model's own file`,
    );
  }
  checkShape(name, shape);
  checkCorrection(name, computeCorrection);
  const computeOf = computeBufferBytes(content, shape);
  const embeddingBytes = weights.inputBytes;
  return {
    name,
    shape,
    blockCount,
    trainedContextSize: content.contextLength,
    perLayerWeightBytes: weights.perLayerBytes,
    perLayerKvBytes: perLayerKvBytes(name, content, shape),
    outputBytes: weights.outputBytes,
    otherBytes: weights.otherBytes,
    embeddingBytes,
    hostBytes: embeddingBytes + hostComputeBytes(content, shape, SEVERAL_DEVICES),
    fileBytes: weights.totalBytes,
    computeCorrection,
    computeBytes: (range) => Math.ceil(computeOf(range) * computeCorrection),
    hostComputeBytes: (deviceCount) => hostComputeBytes(content, shape, deviceCount),
    reshape: (other) => weighModel(name, content, other, { computeCorrection }),
  };
}

function checkShape(name: string, { contextSize, slotCount, ubatchSize }: PlanShape): void {
  const refuse = (what: string, advice: string): never => {
    throw new GatewayError("invalid_request", `Cannot plan "${name}" with ${what}; ${advice}`);
  };
  if (!isCount(slotCount)) refuse(`${slotCount} slots`, "give a whole number from 1");
  if (!isCount(contextSize)) refuse(`a context of ${contextSize} tokens`, "give a whole number from 1");
  if (contextSize * slotCount > MAX_CONTEXT_TOKENS) {
    refuse(
      `a context of ${slotCount} × ${contextSize} tokens`,
      `llama.cpp counts to ${MAX_CONTEXT_TOKENS} for all slots together`,
    );
  }
  if (ubatchSize !== undefined && !isCount(ubatchSize)) {
    refuse(`batches of ${ubatchSize} tokens`, "give a whole number from 1");
  }
}

function checkCorrection(name: string, factor: number): void {
  if (factor > 0 && Number.isFinite(factor)) return;
  throw new RangeError(`Cannot weigh "${name}": a compute correction is above 0, got ${factor}`);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1;
}

function perLayerKvBytes(name: string, content: GgufModel, shape: PlanShape): number[] {
  try {
    return kvCacheBytesPerLayer(content, shape);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new GatewayError("invalid_request", `Cannot plan "${name}": ${error.message}`, { cause: error });
  }
}

function article(kind: GgufModel["kind"]): string {
  return kind === "adapter" ? "an adapter" : `a ${kind}`;
}
