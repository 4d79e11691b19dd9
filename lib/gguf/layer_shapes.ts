import type { LayerShape } from "./layer_shape.ts";
import type { LayerCounts, ModelKeys } from "./model_keys.ts";
import { type LayerWidths, recurrentLayersOf } from "./recurrent_layers.ts";
import { type SlidingWindow, slidingWindowOf } from "./sliding_window.ts";

/** What a model keeps for each token and sequence. */
export interface ModelLayers {
  /** One for each layer, those that only predict further tokens included. */
  readonly layers: readonly LayerShape[];
  /** How many tokens the layers with a sliding window see; 0 if there is no such layer. */
  readonly slidingWindow: number;
}

/** Encoders and diffusion models see all tokens at once. */
const WITHOUT_CACHE: ReadonlySet<string> = new Set([
  ...["bert", "eurobert", "gemma-embedding", "jina-bert-v2", "jina-bert-v3", "modern-bert", "neo-bert"],
  ...["nomic-bert", "nomic-bert-moe", "dream", "llada", "llada-moe", "rnd1", "wavtokenizer-dec"],
]);

/** The first layers of these have a cache of their own, the others read theirs. */
const GEMMA3N_LAYERS_WITH_CACHE = 20;

/**
 * What each layer keeps, as llama.cpp allocates it.
 *
 * Measured with llama.cpp b11669: llama, qwen2, qwen3moe, deci, phi3, glm4, gemma2, gemma3, gemma4, gpt-oss, olmo2,
 * cohere2, exaone4, deepseek2, mamba, mamba2, jamba, granitehybrid, falcon-h1, lfm2, qwen35; and that no layer that only
 * predicts further tokens has a cache. The rules of the others are read in the source of b10587. An architecture that is
 * not known has plain attention in each layer.
 *
 * Estimates: `deepseek4` (compressed caches, taken for full ones of K alone), `glm-dsa` of 1 M tokens context that does
 * not list its indexer layers (taken for all), `nanbeige` with loops and `graniteswitch` (what they keep beyond the
 * layers in the file is not counted).
 *
 * @param feedForwardLength Inner width of a layer's dense feed-forward part, as its tensors have it, given what the
 * metadata say.
 * @throws {GgufSyntaxError} If a needed key is missing or contradicts another.
 * @see `llama_hparams` in src/llama-hparams.cpp, `llama_kv_cache` in src/llama-kv-cache.cpp, `create_memory` in
 * src/llama-model.cpp of llama.cpp, 3f545bec (b10587)
 */
export function layersOf(
  keys: ModelKeys,
  counts: LayerCounts,
  embeddingLength: number,
  feedForwardLength: (layer: number, told: number) => number = (_layer, told) => told,
): ModelLayers {
  const widths = widthsOf(keys, counts, embeddingLength);
  const window = slidingWindowOf(keys, counts);
  const { stateWidths, hasAttention } = recurrentLayersOf(keys, counts, widths);
  const kept = cachedLayers(keys, counts);
  const elementsOf = tokenElements(keys, counts, widths, window);
  const layers = widths.kvHeadCounts.map((kvHeadCount, layer): LayerShape => ({
    ...(hasAttention[layer] && kept(layer) ? elementsOf(layer) : NO_CACHE),
    recurrentWidth: stateWidths[layer]!,
    headCount: widths.headCounts[layer]!,
    kvHeadCount,
    feedForwardLength: feedForwardLength(layer, widths.feedForwardLengths[layer]!),
  }));
  const usesWindow = layers.some(({ cache }) => cache === "window");
  return { layers, slidingWindow: usesWindow ? window.tokenCount : 0 };
}

type CacheElements = Pick<LayerShape, "cache" | "keyWidth" | "valueWidth">;

const NO_CACHE: CacheElements = { cache: "none", keyWidth: 0, valueWidth: 0 };

function widthsOf(keys: ModelKeys, counts: LayerCounts, embeddingLength: number): LayerWidths {
  const none = new Array<number>(counts.blockCount).fill(0);
  const headCounts = keys.perLayer("attention.head_count", counts) ?? none;
  return {
    headCounts,
    kvHeadCounts: keys.perLayer("attention.head_count_kv", counts) ?? headCounts,
    feedForwardLengths: keys.perLayer("feed_forward_length", counts) ?? none,
    embeddingLength,
    keyLength: keys.count("attention.key_length") ?? headLength(embeddingLength, headCounts[0]!),
  };
}

function headLength(embeddingLength: number, headCount: number): number {
  return headCount === 0 ? 0 : Math.floor(embeddingLength / headCount);
}

/** Whether a layer has a cache of its own, if it has attention. */
function cachedLayers(keys: ModelKeys, { blockCount, layerCount }: LayerCounts): (layer: number) => boolean {
  const { architecture } = keys;
  if (WITHOUT_CACHE.has(architecture)) return () => false;
  if (architecture === "gemma3n") return (layer) => layer < GEMMA3N_LAYERS_WITH_CACHE;
  const sharedCount = architecture === "gemma4"
    ? keys.count("attention.shared_kv_layers", { max: blockCount }) ?? 0
    : 0;
  return (layer) => layer < Math.min(layerCount, blockCount - sharedCount);
}

/** What the cache of a layer keeps of each token. */
function tokenElements(
  keys: ModelKeys,
  counts: LayerCounts,
  { kvHeadCounts, headCounts, embeddingLength, keyLength }: LayerWidths,
  { isWindowed }: SlidingWindow,
): (layer: number) => CacheElements {
  const valueLength = keys.count("attention.value_length") ?? headLength(embeddingLength, headCounts[0]!);
  const windowKeyLength = keys.count("attention.key_length_swa") ?? keyLength;
  const windowValueLength = keys.count("attention.value_length_swa") ?? valueLength;
  const keepsValues = !isLatent(keys);
  const indexer = indexerOf(keys, counts);
  return (layer) => {
    const heads = kvHeadCounts[layer]!;
    const windowed = isWindowed[layer]!;
    const indexerLength = indexer(layer);
    const keyWidth = heads * (windowed ? windowKeyLength : keyLength) + indexerLength;
    // The indexer of MiniMax, which is not latent, has a V that nothing reads.
    const valueHeads = heads + (indexerLength > 0 ? 1 : 0);
    const valueWidth = keepsValues ? valueHeads * (windowed ? windowValueLength : valueLength) : 0;
    if (keyWidth + valueWidth === 0) return NO_CACHE;
    return { cache: windowed ? "window" : "full", keyWidth, valueWidth };
  };
}

/** Latent attention (MLA) keeps what K and V are made of, in the place of K. */
function isLatent(keys: ModelKeys): boolean {
  const lengths = ["attention.key_length_mla", "attention.value_length_mla"].map((name) =>
    keys.count(name) ?? 0
  );
  return lengths.every((length) => length > 0) || keys.architecture === "deepseek4";
}

const INDEXED: ReadonlySet<string> = new Set(["deepseek32", "dots3note", "glm-dsa", "minimax-m3"]);

/** One more key of each token, by which sparse attention chooses the tokens that it looks at. */
function indexerOf(keys: ModelKeys, counts: LayerCounts): (layer: number) => number {
  if (!INDEXED.has(keys.architecture)) return () => 0;
  const length = keys.neededCount("attention.indexer.key_length");
  if (keys.architecture === "minimax-m3") {
    const denseCount = keys.count("leading_dense_block_count") ?? 0;
    return (layer) => layer < denseCount ? 0 : length;
  }
  const isFull = keys.perLayer("attention.indexer.types", counts);
  return (layer) => keys.architecture === "deepseek32" || isFull?.[layer] !== 0 ? length : 0;
}
