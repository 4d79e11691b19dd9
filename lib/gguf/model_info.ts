import { GgufSyntaxError } from "./errors.ts";
import { fileTypeName } from "./file_types.ts";
import type { GgufHeader } from "./header.ts";
import type { GgufMetadata } from "./metadata.ts";
import { type GgufSplit, splitOf } from "./split.ts";
import { elementCount } from "./tensor_types.ts";
import type { GgufTensor } from "./tensors.ts";
import { type ModelWeights, weighTensors } from "./weights.ts";

const MAX_BLOCK_COUNT = 512; // LLAMA_MAX_LAYERS

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
  /** Attention heads of each layer; 0 in a layer without attention. */
  readonly headCounts: readonly number[];
  /** Key and value heads of each layer; 0 in a layer without KV cache. */
  readonly kvHeadCounts: readonly number[];
  /** Elements of one key head. */
  readonly keyLength: number;
  /** Elements of one value head. */
  readonly valueLength: number;
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
  const shape = kind === "model" ? shapeOf(metadata, architecture) : NO_SHAPE;
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
    weights: weighTensors(tensors, shape.blockCount),
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
  | "headCounts"
  | "kvHeadCounts"
  | "keyLength"
  | "valueLength"
>;

const NO_SHAPE: Shape = {
  blockCount: 0,
  nextnPredictLayers: 0,
  contextLength: 0,
  embeddingLength: 0,
  headCounts: [],
  kvHeadCounts: [],
  keyLength: 0,
  valueLength: 0,
};

function shapeOf(metadata: GgufMetadata, architecture: string): Shape {
  const key = (name: string) => `${architecture}.${name}`;
  const count = (name: string, max?: number) => countAt(metadata, key(name), max);
  const neededCount = (name: string, max?: number) => needed(count(name, max), key(name));

  const blockCount = neededCount("block_count", MAX_BLOCK_COUNT);
  const nextnPredictLayers = count("nextn_predict_layers", blockCount) ?? 0;
  const embeddingLength = neededCount("embedding_length");
  const perLayer = (name: string) => perLayerCounts(metadata, key(name), blockCount, nextnPredictLayers);
  const headCounts = perLayer("attention.head_count") ?? new Array<number>(blockCount).fill(0);
  const headLength = headCounts[0] ? Math.floor(embeddingLength / headCounts[0]) : 0;
  return {
    blockCount,
    nextnPredictLayers,
    contextLength: neededCount("context_length"),
    embeddingLength,
    headCounts,
    kvHeadCounts: perLayer("attention.head_count_kv") ?? headCounts,
    keyLength: count("attention.key_length") ?? headLength,
    valueLength: count("attention.value_length") ?? headLength,
  };
}

/**
 * One count for each layer, from a single number or an array. An array may leave out the layers that predict further
 * tokens, as newer llama.cpp wants it; those then get what the last one has.
 */
function perLayerCounts(
  metadata: GgufMetadata,
  key: string,
  blockCount: number,
  nextnPredictLayers: number,
): number[] | undefined {
  if (metadata.get(key)?.type !== "array") {
    const same = countAt(metadata, key);
    return same === undefined ? undefined : new Array<number>(blockCount).fill(same);
  }
  const length = metadata.arrayLength(key)!;
  const layerCount = blockCount - nextnPredictLayers;
  if (length !== layerCount && length !== blockCount) {
    const problem = `its "${key}" has ${length} entries for ${layerCount} layers`;
    throw new GgufSyntaxError(problem, metadata.offsetOf(key));
  }
  const counts = metadata.numberArray(key)!.map((value) => asCount(value, key, metadata));
  return Array.from({ length: blockCount }, (_, layer) => counts[Math.min(layer, length - 1)] ?? 0);
}

function countAt(metadata: GgufMetadata, key: string, max?: number): number | undefined {
  const value = metadata.number(key);
  return value === undefined ? undefined : asCount(value, key, metadata, max);
}

function asCount(value: number, key: string, metadata: GgufMetadata, max = 2 ** 32 - 1): number {
  if (Number.isInteger(value) && value >= 0 && value <= max) return value;
  throw new GgufSyntaxError(`its "${key}" is ${value}, expected 0 to ${max}`, metadata.offsetOf(key));
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
