import type { LayerCounts, ModelKeys } from "./model_keys.ts";

/** Which layers keep a state in place of, or beside, a cache. */
export interface RecurrentLayers {
  /** Elements of F32 state that each layer keeps for each sequence; 0 in a layer without. */
  readonly stateWidths: readonly number[];
  /** For each layer, whether it has attention. */
  readonly hasAttention: readonly boolean[];
}

/** What tells a recurrent layer from one with attention. */
export interface LayerWidths {
  /** Attention heads of each layer. */
  readonly headCounts: readonly number[];
  /** Key and value heads of each layer. */
  readonly kvHeadCounts: readonly number[];
  /** Inner width of the feed-forward part of each layer. */
  readonly feedForwardLengths: readonly number[];
  /** Width of the residual stream. */
  readonly embeddingLength: number;
  /** Elements of one key head. */
  readonly keyLength: number;
}

interface RecurrentRule {
  /** Whether a layer is recurrent. */
  readonly isRecurrent: (layer: number, widths: LayerWidths, keys: ModelKeys, layers: LayerCounts) => boolean;
  /** Whether a layer has attention; by default each that is not recurrent. */
  readonly hasAttention?: (layer: number, isRecurrent: boolean, widths: LayerWidths) => boolean;
  /** Elements of state. */
  readonly stateWidth: (keys: ModelKeys, widths: LayerWidths) => number;
}

const always = () => true;
const never = () => false;
const withoutKvHeads = (layer: number, { kvHeadCounts }: LayerWidths) => kvHeadCounts[layer] === 0;

const RWKV: RecurrentRule = { isRecurrent: always, hasAttention: never, stateWidth: rwkvState };
const MAMBA: RecurrentRule = { isRecurrent: always, hasAttention: never, stateWidth: mambaState };
const MAMBA_HYBRID: RecurrentRule = { isRecurrent: withoutKvHeads, stateWidth: mambaState };
const DELTA_HYBRID: RecurrentRule = { isRecurrent: withoutKvHeads, stateWidth: kimiDeltaState };
const CONVOLUTION: RecurrentRule = { isRecurrent: withoutKvHeads, stateWidth: convolutionState };
const NEMOTRON: RecurrentRule = {
  isRecurrent: (layer, widths) => withoutKvHeads(layer, widths) && widths.feedForwardLengths[layer] === 0,
  hasAttention: (layer, isRecurrent, widths) => !isRecurrent && widths.feedForwardLengths[layer] === 0,
  stateWidth: mambaState,
};
const QWEN: RecurrentRule = { isRecurrent: exceptEach(4), stateWidth: mambaState };

/**
 * All architectures with state.
 *
 * @see `llm_arch_is_recurrent`, `llm_arch_is_hybrid` in src/llama-arch.cpp and `create_memory` in src/llama-model.cpp of
 * llama.cpp, 3f545bec (b10587)
 */
const RULES: ReadonlyMap<string, RecurrentRule> = new Map(Object.entries<RecurrentRule>({
  "mamba": MAMBA,
  "mamba2": MAMBA,
  "rwkv6": RWKV,
  "rwkv6qwen2": RWKV,
  "rwkv7": RWKV,
  "arwkv7": RWKV,
  "jamba": MAMBA_HYBRID,
  "plamo2": MAMBA_HYBRID,
  "granitehybrid": MAMBA_HYBRID,
  "falcon-h1": { isRecurrent: always, hasAttention: always, stateWidth: mambaState },
  "nemotron_h": NEMOTRON,
  "nemotron_h_moe": NEMOTRON,
  "lfm2": CONVOLUTION,
  "lfm2moe": CONVOLUTION,
  "kimi-linear": DELTA_HYBRID,
  "kimi-k3": DELTA_HYBRID,
  "bailingmoe3": DELTA_HYBRID,
  "qwen3next": QWEN,
  "qwen35": QWEN,
  "qwen35moe": QWEN,
  "minimax-01": { isRecurrent: exceptEach(8), stateWidth: linearAttentionState },
}));

/**
 * What state each layer keeps, by the rule of its architecture. Layers that only predict further tokens keep none.
 *
 * @throws {GgufSyntaxError} If a key that the state is sized by is missing or no count.
 */
export function recurrentLayersOf(
  keys: ModelKeys,
  layers: LayerCounts,
  widths: LayerWidths,
): RecurrentLayers {
  const rule = RULES.get(keys.architecture);
  const indices = Array.from({ length: layers.blockCount }, (_, layer) => layer);
  if (!rule) return { stateWidths: indices.map(() => 0), hasAttention: indices.map(always) };
  const stateWidth = rule.stateWidth(keys, widths);
  const isRecurrent = indices.map((layer) =>
    layer < layers.layerCount && rule.isRecurrent(layer, widths, keys, layers)
  );
  return {
    stateWidths: isRecurrent.map((recurrent) => recurrent ? stateWidth : 0),
    hasAttention: indices.map((layer) =>
      rule.hasAttention?.(layer, isRecurrent[layer]!, widths) ?? !isRecurrent[layer]
    ),
  };
}

/** Listed by the file, or all but one of each `interval` layers. */
function exceptEach(interval: number): RecurrentRule["isRecurrent"] {
  return (layer, _widths, keys, layers) => {
    const listed = keys.layerArray("attention.recurrent_layers", layers);
    if (listed) return listed[layer] !== 0;
    const told = keys.count("full_attention_interval", { min: 1 }) ?? interval;
    return (layer + 1) % told !== 0;
  };
}

function mambaState(keys: ModelKeys): number {
  const innerSize = keys.neededCount("ssm.inner_size");
  const stateSize = keys.neededCount("ssm.state_size");
  const groupCount = keys.count("ssm.group_count") ?? 0;
  const convolution = lessOne(keys.neededCount("ssm.conv_kernel")) * (innerSize + 2 * groupCount * stateSize);
  return convolution + stateSize * innerSize;
}

function rwkvState(keys: ModelKeys, { embeddingLength }: LayerWidths): number {
  const shiftCount = keys.count("token_shift_count") ?? 2;
  return (shiftCount + keys.neededCount("wkv.head_size", { min: 1 })) * embeddingLength;
}

function convolutionState(keys: ModelKeys, { embeddingLength }: LayerWidths): number {
  return lessOne(keys.neededCount("shortconv.l_cache", { min: 1 })) * embeddingLength;
}

function kimiDeltaState(keys: ModelKeys, { headCounts }: LayerWidths): number {
  const headLength = keys.neededCount("kda.head_dim", { min: 1 });
  const inner = headCounts[0]! * headLength;
  const kernel = keys.neededCount("ssm.conv_kernel");
  return 3 * (kernel > 0 ? kernel - 1 : 3) * inner + headLength * inner;
}

function linearAttentionState(_keys: ModelKeys, { headCounts, keyLength }: LayerWidths): number {
  return headCounts[0]! * keyLength ** 2;
}

function lessOne(count: number): number {
  return Math.max(0, count - 1);
}
