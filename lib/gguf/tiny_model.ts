import { gaussianNumbers, gaussianWeight, matrix, ones, type Weight } from "./random_tensors.ts";
import { type Random, seededRandom } from "./seeded_random.ts";
import { TINY_CHAT_TEMPLATE, tinyVocabulary } from "./tiny_vocabulary.ts";
import { bool, f32, type GgufInput, type GgufTensorData, text, u32, writeGguf } from "./writer.ts";

/** Shape of a tiny model. */
export interface TinyModelOptions {
  /** Transformer blocks. Default 8. */
  layers?: number;
  /** Width of the residual stream; a multiple of `heads`. Default 128. */
  embeddingLength?: number;
  /** Attention heads. Default 4. */
  heads?: number;
  /** Key and value heads. Default 2. */
  kvHeads?: number;
  /** Width of the feed-forward part. Default 256. */
  feedForwardLength?: number;
  /** Tokens that it claims to have been trained on. Default 32768. */
  contextLength?: number;
  /** Another seed is another model. Default 1. */
  seed?: number;
  /** Writes matrices as F32, not F16. Default false. */
  f32?: boolean;
  /** `general.name`. Default `tiny`. */
  name?: string;
  /** Metadata by key that go before the usual ones; `undefined` leaves one out. */
  metadata?: Readonly<Record<string, GgufInput | undefined>>;
}

/**
 * A small model that llama.cpp really runs: `llama` architecture, 2.6 MB with its defaults, the same bytes for the same
 * options everywhere.
 *
 * Its weights are random and say nothing, but arranged so that it answers in printable English words. Dimension 0 of the
 * residual stream is constant: every embedding has it and no layer writes to it. Column 0 of the output matrix thereby is
 * a bias per token, which lifts words over bytes and keeps the end of the turn from being reached: a generation runs to
 * its token limit unless a grammar ends it.
 */
export function buildTinyModel(options: TinyModelOptions = {}): Uint8Array<ArrayBuffer> {
  const shape = { ...DEFAULTS, ...options };
  return writeGguf({ metadata: modelMetadata(shape), tensors: modelTensors(shape) });
}

/** A LoRA adapter for the tiny model of the same options; it changes what the model says, not that it is words. */
export function buildTinyAdapter(options: TinyModelOptions = {}): Uint8Array<ArrayBuffer> {
  const shape = { ...DEFAULTS, ...options };
  return writeGguf({
    metadata: [
      ["general.architecture", text("llama")],
      ["general.type", text("adapter")],
      ["adapter.type", text("lora")],
      ["adapter.lora.alpha", f32(8)],
      ["general.name", text(`${shape.name}-lora`)],
    ],
    tensors: adapterTensors(shape),
  });
}

type Shape = Required<TinyModelOptions>;

const DEFAULTS: Shape = {
  layers: 8,
  embeddingLength: 128,
  heads: 4,
  kvHeads: 2,
  feedForwardLength: 256,
  contextLength: 32_768,
  seed: 1,
  f32: false,
  name: "tiny",
  metadata: {},
};

/** The residual stream's constant, large against the N(0, 1) of its other dimensions. */
const CONSTANT_DIMENSION = 6;
const ADAPTER_RANK = 4;

function modelMetadata(shape: Shape): [string, GgufInput][] {
  const entries = { ...Object.fromEntries(usualMetadata(shape)), ...shape.metadata };
  return Object.entries(entries).filter((entry): entry is [string, GgufInput] => entry[1] !== undefined);
}

function usualMetadata(shape: Shape): [string, GgufInput][] {
  const tokens = tinyVocabulary();
  return [
    ["general.architecture", text("llama")],
    ["general.type", text("model")],
    ["general.name", text(shape.name)],
    ["general.file_type", u32(shape.f32 ? 0 : 1)],
    ["general.alignment", u32(32)],
    ["llama.block_count", u32(shape.layers)],
    ["llama.context_length", u32(shape.contextLength)],
    ["llama.embedding_length", u32(shape.embeddingLength)],
    ["llama.feed_forward_length", u32(shape.feedForwardLength)],
    ["llama.attention.head_count", u32(shape.heads)],
    ["llama.attention.head_count_kv", u32(shape.kvHeads)],
    ["llama.rope.dimension_count", u32(shape.embeddingLength / shape.heads)],
    ["llama.rope.freq_base", f32(10_000)],
    ["llama.attention.layer_norm_rms_epsilon", f32(1e-5)],
    ["llama.vocab_size", u32(tokens.length)],
    ["tokenizer.ggml.model", text("llama")],
    ["tokenizer.ggml.pre", text("default")],
    ["tokenizer.ggml.tokens", { type: "strings", values: tokens.map(({ piece }) => piece) }],
    ["tokenizer.ggml.scores", { type: "array", of: "float32", values: tokens.map((_, index) => -index) }],
    ["tokenizer.ggml.token_type", { type: "array", of: "int32", values: tokens.map(({ type }) => type) }],
    ["tokenizer.ggml.bos_token_id", u32(1)],
    ["tokenizer.ggml.eos_token_id", u32(tokens.length - 1)],
    ["tokenizer.ggml.unknown_token_id", u32(0)],
    ["tokenizer.ggml.add_bos_token", bool(true)],
    ["tokenizer.ggml.add_eos_token", bool(false)],
    ["tokenizer.ggml.add_space_prefix", bool(false)],
    ["tokenizer.chat_template", text(TINY_CHAT_TEMPLATE)],
  ];
}

function modelTensors(shape: Shape): GgufTensorData[] {
  const { embeddingLength: width, seed } = shape;
  const random = seededRandom(seed);
  const gaussian = gaussianNumbers(random);
  const outputWeight = gaussianWeight(random, width, 3);
  const tokens = tinyVocabulary();
  const size = [width, tokens.length] as const;
  const type = matrixType(shape);
  return [
    matrix("token_embd.weight", size, type, (_, column) => column === 0 ? CONSTANT_DIMENSION : gaussian()),
    ones("output_norm.weight", width),
    matrix("output.weight", size, type, (row, column) => {
      return column === 0 ? tokens[row]!.bias : outputWeight(row, column);
    }),
    ...Array.from({ length: shape.layers }, (_, layer) => layerTensors(shape, random, `blk.${layer}`)).flat(),
  ];
}

function layerTensors(shape: Shape, random: Random, block: string): GgufTensorData[] {
  const { embeddingLength: width, feedForwardLength: inner } = shape;
  const kvWidth = width / shape.heads * shape.kvHeads;
  const type = matrixType(shape);
  const plain = gaussianWeight(random, width);
  const strong = gaussianWeight(random, width, 2);
  return [
    ones(`${block}.attn_norm.weight`, width),
    ones(`${block}.ffn_norm.weight`, width),
    matrix(`${block}.attn_q.weight`, [width, width], type, strong),
    matrix(`${block}.attn_k.weight`, [width, kvWidth], type, strong),
    matrix(`${block}.attn_v.weight`, [width, kvWidth], type, plain),
    matrix(`${block}.attn_output.weight`, [width, width], type, exceptFirstRow(strong)),
    matrix(`${block}.ffn_gate.weight`, [width, inner], type, plain),
    matrix(`${block}.ffn_up.weight`, [width, inner], type, plain),
    matrix(
      `${block}.ffn_down.weight`,
      [inner, width],
      type,
      exceptFirstRow(gaussianWeight(random, inner, 2)),
    ),
  ];
}

function adapterTensors(shape: Shape): GgufTensorData[] {
  const { embeddingLength: width, seed } = shape;
  const random = seededRandom(seed);
  const type = matrixType(shape);
  const down = gaussianWeight(random, width);
  const up = gaussianWeight(random, ADAPTER_RANK);
  return Array.from({ length: shape.layers }, (_, layer) => [
    matrix(`blk.${layer}.attn_q.weight.lora_a`, [width, ADAPTER_RANK], type, down),
    matrix(`blk.${layer}.attn_q.weight.lora_b`, [ADAPTER_RANK, width], type, up),
    matrix(`blk.${layer}.attn_output.weight.lora_a`, [width, ADAPTER_RANK], type, down),
    matrix(`blk.${layer}.attn_output.weight.lora_b`, [ADAPTER_RANK, width], type, exceptFirstRow(up)),
  ]).flat();
}

/** Keeps a layer from writing to dimension 0 of the residual stream, which has to stay constant. */
function exceptFirstRow(weight: Weight): Weight {
  return (row, column) => row === 0 ? 0 : weight(row, column);
}

function matrixType(shape: Shape): "F16" | "F32" {
  return shape.f32 ? "F32" : "F16";
}
