import { GgufSyntaxError } from "./errors.ts";
import { denseFeedForward, expertsOf } from "./expert_shape.ts";
import { fileTypeName } from "./file_types.ts";
import type { GgufHeader } from "./header.ts";
import type { ExpertShape, LayerShape, RecurrentShape } from "./layer_shape.ts";
import { layersOf } from "./layer_shapes.ts";
import type { GgufMetadata } from "./metadata.ts";
import { ModelKeys } from "./model_keys.ts";
import { type ModelTraits, traitsOf } from "./model_traits.ts";
import { recurrentShapeOf } from "./recurrent_shape.ts";
import { type GgufSplit, splitOf } from "./split.ts";
import { ONLY_OLLAMA_ADVICE, whyOnlyOllama } from "./stock_compatibility.ts";
import { elementCount } from "./tensor_types.ts";
import type { GgufTensor } from "./tensors.ts";
import { type ModelWeights, weighTensors } from "./weights.ts";

const MAX_BLOCK_COUNT = 512; // LLAMA_MAX_LAYERS
const MAX_CONTEXT_LENGTH = 2 ** 32 - 1; // what the type holds; some makers write such numbers for "no limit"

/** What a GGUF is good for: `projector` is the vision or audio part of a model, `adapter` a LoRA. */
export type GgufKind = "model" | "adapter" | "projector";

/** What a GGUF says of its model. For an adapter or a projector all that has to do with layers is 0 or empty. */
export interface GgufModel {
  /** What it is. */
  readonly kind: GgufKind;
  /** Such as `llama`, `qwen3moe`; the prefix of the model's own keys. */
  readonly architecture: string;
  /** The name that its maker gave it. */
  readonly name: string | undefined;
  /** Layers, including those that only predict further tokens. */
  readonly blockCount: number;
  /** How many of the last layers only predict further tokens (MTP). */
  readonly nextnPredictLayers: number;
  /** Tokens that it was trained to see at once. */
  readonly contextLength: number;
  /** Width of the residual stream. */
  readonly embeddingLength: number;
  /** What each layer keeps and computes; `blockCount` entries. */
  readonly layers: readonly LayerShape[];
  /** How many tokens the layers with a sliding window see; 0 if there is no such layer. */
  readonly slidingWindow: number;
  /** Set for a mixture of experts. */
  readonly experts: ExpertShape | undefined;
  /** Set if some layers are recurrent in the way of a state space model. */
  readonly recurrent?: RecurrentShape | undefined;
  /** Tokens in the vocabulary. */
  readonly vocabularySize: number | undefined;
  /** Such as `Q4_K_M`; where the file does not say, the tensor type that takes most bytes. */
  readonly fileType: string;
  /** The Jinja template that turns messages into a prompt. */
  readonly chatTemplate: string | undefined;
  /** Elements of all tensors. */
  readonly parameterCount: number;
  /** Where its bytes belong. */
  readonly weights: ModelWeights;
  /** What it is for. */
  readonly traits: ModelTraits;
  /** Why only Ollama loads it, in a clause; `undefined` for what llama.cpp loads, too. */
  readonly foreignness: string | undefined;
  /** Set if this is one shard of several. */
  readonly split: GgufSplit | undefined;
}

/**
 * Reads what matters for running a model.
 *
 * @param header Of the model, or of its first shard: only that one has the metadata.
 * @param tensors Of all shards, if there are several.
 * @throws {GgufSyntaxError} If a needed key is missing or contradicts another.
 * @see `llama_model::load_hparams` in src/llama-model.cpp of llama.cpp
 */
export function describeModel(
  header: GgufHeader,
  tensors: readonly GgufTensor[] = header.tensors,
): GgufModel {
  const { metadata } = header;
  const architecture = needed(metadata.string("general.architecture"), "general.architecture");
  const kind = kindOf(metadata, architecture);
  const foreignness = kind === "model" ? whyOnlyOllama({ architecture, metadata, tensors }) : undefined;
  const shape = kind === "model"
    ? explained(foreignness, () => shapeOf(new ModelKeys(metadata, architecture), tensors))
    : NO_SHAPE;
  return {
    kind,
    architecture,
    name: metadata.string("general.name"),
    ...shape,
    vocabularySize: metadata.number(`${architecture}.vocab_size`) ??
      metadata.arrayLength("tokenizer.ggml.tokens"),
    fileType: fileTypeOf(metadata, tensors),
    chatTemplate: metadata.string("tokenizer.chat_template"),
    parameterCount: tensors.reduce((sum, { dims }) => sum + elementCount(dims), 0),
    weights: weighTensors(tensors, shape.blockCount, shape.blockCount - shape.nextnPredictLayers),
    traits: traitsOf(metadata, architecture),
    foreignness,
    split: splitOf(metadata),
  };
}

/** Projectors from before `general.type` existed are known by their architecture. */
function kindOf(metadata: GgufMetadata, architecture: string): GgufKind {
  const type = metadata.string("general.type") ?? "model";
  if (type === "mmproj" || architecture === "clip") return "projector";
  if (type === "model" || type === "adapter") return type;
  throw new GgufSyntaxError(`its general.type is "${type}"`, metadata.offsetOf("general.type"), {
    advice: "use the model's own file",
  });
}

type Shape = Pick<
  GgufModel,
  | "blockCount"
  | "nextnPredictLayers"
  | "contextLength"
  | "embeddingLength"
  | "layers"
  | "slidingWindow"
  | "experts"
  | "recurrent"
>;

const NO_SHAPE: Shape = {
  blockCount: 0,
  nextnPredictLayers: 0,
  contextLength: 0,
  embeddingLength: 0,
  layers: [],
  slidingWindow: 0,
  experts: undefined,
};

function shapeOf(keys: ModelKeys, tensors: readonly GgufTensor[]): Shape {
  const blockCount = keys.neededCount("block_count", { min: 1, max: MAX_BLOCK_COUNT });
  const nextnPredictLayers = keys.count("nextn_predict_layers", { max: blockCount }) ?? 0;
  const embeddingLength = keys.neededCount("embedding_length");
  const counts = { blockCount, layerCount: blockCount - nextnPredictLayers };
  return {
    blockCount,
    nextnPredictLayers,
    contextLength: keys.neededCount("context_length", { max: MAX_CONTEXT_LENGTH }),
    embeddingLength,
    ...layersOf(keys, counts, embeddingLength, denseFeedForward(tensors)),
    experts: expertsOf(keys, tensors),
    recurrent: recurrentShapeOf(tensors),
  };
}

/** A file that is written otherwise may lack what llama.cpp needs: that is no damage. */
function explained<T>(foreignness: string | undefined, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (foreignness === undefined || !(cause instanceof GgufSyntaxError)) throw cause;
    throw new GgufSyntaxError(foreignness, 0, { advice: ONLY_OLLAMA_ADVICE, cause });
  }
}

function needed<T>(value: T | undefined, key: string): T {
  if (value !== undefined) return value;
  throw new GgufSyntaxError(`its metadata key "${key}" is missing`, 0);
}

function fileTypeOf(metadata: GgufMetadata, tensors: readonly GgufTensor[]): string {
  return fileTypeName(metadata.number("general.file_type") ?? -1) ?? dominantType(tensors);
}

/** Norms and biases have one dimension and are never packed, so they say nothing. */
function dominantType(tensors: readonly GgufTensor[]): string {
  const bytesByType = new Map<string, number>();
  for (const { dims, type, sizeBytes } of tensors) {
    if (dims.length >= 2) bytesByType.set(type.name, (bytesByType.get(type.name) ?? 0) + sizeBytes);
  }
  const [most] = [...bytesByType].toSorted(([, one], [, other]) => other - one);
  return most?.[0] ?? "unknown";
}
