import { GatewayError } from "../errors.ts";
import type { GgufModel } from "../gguf/model_info.ts";
import type { ModelNeed } from "../nodes/model_need.ts";
import type { ModelParams } from "../ollama/params.ts";
import { contextSizeOf } from "./context_size.ts";
import { type PlanModel, weighModel } from "./model_need.ts";

/**
 * Tokens of context that Ollama gives a model which asks for none, unless it has 23 GiB of GPU memory or was told
 * otherwise; what it then adds it takes back where memory is short.
 *
 * @see envconfig/config.go and server/sched.go in ollama 0.33
 */
export const OLLAMA_CONTEXT_SIZE = 4096;

/**
 * What a model takes beside its weights, as a share of them, where nothing but its size is known: a context of 4096
 * tokens and the buffers are 5 % of 70B parameters packed to 4 bits, 15 % of 8B, and 30 % of 1B, which fits anywhere.
 */
const BESIDE_WEIGHTS = 0.2;

/** More than any machine has, 64 TiB: who needs that was misread. */
const MAX_BYTES = 64 * 1024 ** 4;

/** What is known of a model beside what its GGUF says. */
export interface WholeModel {
  /** For sentences. */
  readonly name: string;
  /** Options that are stored with it. */
  readonly params: ModelParams;
  /** All that is loaded of its files, bytes. */
  readonly weightBytes: number;
  /** Number of its parameters, where it is known. */
  readonly parameterCount: number | undefined;
  /** Who told. */
  readonly source: "gguf" | "show";
}

/**
 * What a model takes on an Ollama node that runs the whole of it in one slot, which is what Ollama does by itself:
 * weights, a KV cache of f16 for its context, and the buffers to compute in.
 *
 * @returns `undefined` if it is no model that could be run, or would need more than there is anywhere.
 */
export function needOfContent(content: GgufModel, whole: WholeModel): ModelNeed | undefined {
  const { name, weightBytes, parameterCount, source } = whole;
  const contextSize = contextSizeOf(whole, content, ASKED_FOR_NONE);
  const model = weighed(name, content, contextSize);
  if (!model) return undefined;
  const { blockCount, perLayerKvBytes } = model;
  const kvBytes = perLayerKvBytes.reduce((sum, bytes) => sum + bytes, 0);
  const bufferBytes = model.computeBytes({ firstLayer: 0, layerCount: blockCount, hasOutput: true }) +
    model.hostComputeBytes(1);
  const bytes = Math.ceil(weightBytes + kvBytes + bufferBytes);
  return bytes <= MAX_BYTES ? { bytes, weightBytes, contextSize, parameterCount, source } : undefined;
}

const ASKED_FOR_NONE = { contextSize: OLLAMA_CONTEXT_SIZE, isContextSizeSet: false };

/** What a model takes whose weights are known and nothing else. */
export function needOfWeights(
  weightBytes: number,
  parameterCount: number | undefined,
  source: "size" | "name",
): ModelNeed {
  const bytes = Math.ceil(weightBytes * (1 + BESIDE_WEIGHTS));
  return { bytes, weightBytes, contextSize: OLLAMA_CONTEXT_SIZE, parameterCount, source };
}

function weighed(name: string, content: GgufModel, contextSize: number): PlanModel | undefined {
  try {
    return weighModel(name, content, { contextSize, slotCount: 1, kvType: "f16" });
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}
