import type { LayerCounts, ModelKeys } from "./model_keys.ts";

/** Which layers only see the last tokens. */
export interface SlidingWindow {
  /** How many tokens these layers see; 0 if there is no such layer. */
  readonly tokenCount: number;
  /** For each layer, whether it is one. */
  readonly isWindowed: readonly boolean[];
}

/** How an architecture says which of its layers have a window. */
interface WindowRule {
  /**
   * Of each so many layers one sees everything, unless the file has another period or lists the layers; `undefined` where
   * it must list them.
   */
  readonly period?: number;
  /** Whether the first of each period sees everything, rather than the last. */
  readonly fullFirst?: boolean;
  /** Whether the file need not name a window; it then has none, or the default one. */
  readonly optional?: boolean;
  /** Tokens where the file does not say. */
  readonly defaultTokens?: number;
  /** Tokens whatever the file says, unless it says 0. */
  readonly fixedTokens?: number;
  /** Only models of so many layers have a window at all. */
  readonly onlyLayerCount?: number;
}

/**
 * All architectures whose window llama.cpp heeds; the others keep everything, whatever their file says: the converters
 * wrote a window for models that do not use it (phi3, qwen2, mistral).
 *
 * @see `load_arch_hparams` in src/models/*.cpp of llama.cpp, b10587. That a list counts for all of them is measured with
 * b11669 (gemma2, gemma3, gpt-oss, olmo2, cohere2, exaone4); b10587 ignored it where it knew a period.
 */
const RULES: ReadonlyMap<string, WindowRule> = new Map(Object.entries<WindowRule>({
  "afmoe": { period: 4, optional: true },
  "cohere2": { period: 4 },
  "cohere2moe": { period: 4, fullFirst: true },
  "dots3note": {},
  "exaone-moe": { period: 4 },
  "exaone4": { period: 4, optional: true, defaultTokens: 4096, onlyLayerCount: 64 },
  "gemma2": { period: 2, optional: true, defaultTokens: 4096 },
  "gemma3": { period: 6, optional: true },
  "gemma3n": { period: 5 },
  "gemma4": {},
  "gpt-oss": { period: 2 },
  "granite_swa": {},
  "laguna": { period: 4, fullFirst: true, optional: true },
  "lfm2": { period: 0, optional: true },
  "llama4": { period: 4, optional: true, defaultTokens: 8192, fixedTokens: 8192 },
  "mellum": { period: 4, optional: true },
  "mimo2": {},
  "muse-glimmer": { period: 4 },
  "olmo2": { period: 4, optional: true },
  "plamo3": { period: 8, optional: true },
  "smallthinker": { period: 4, fullFirst: true, optional: true, fixedTokens: 4096 },
  "step35": {},
}));

const WINDOW = "attention.sliding_window";
const PATTERN = "attention.sliding_window_pattern";
/** llama.cpp adds the batch to it in 32 bits. */
const MAX_WINDOW = 2 ** 31 - 1;

/**
 * Which layers have a sliding window, by the rule of their architecture.
 *
 * @throws {GgufSyntaxError} If a needed key is missing, or a window or pattern is none.
 */
export function slidingWindowOf(keys: ModelKeys, layers: LayerCounts): SlidingWindow {
  const rule = RULES.get(keys.architecture);
  const tokenCount = rule ? windowTokens(keys, rule, layers) : 0;
  if (!rule || tokenCount === 0) return noWindow(layers);
  const isWindowed = windowedLayers(keys, rule, layers);
  return isWindowed.includes(true) ? { tokenCount, isWindowed } : noWindow(layers);
}

function noWindow({ blockCount }: LayerCounts): SlidingWindow {
  return { tokenCount: 0, isWindowed: new Array<boolean>(blockCount).fill(false) };
}

function windowTokens(keys: ModelKeys, rule: WindowRule, { layerCount }: LayerCounts): number {
  if (rule.onlyLayerCount !== undefined && rule.onlyLayerCount !== layerCount) return 0;
  if (!rule.optional) return keys.neededCount(WINDOW, { min: 1, max: MAX_WINDOW });
  const told = keys.count(WINDOW, { max: MAX_WINDOW }) ?? rule.defaultTokens ?? 0;
  return told === 0 ? 0 : rule.fixedTokens ?? told;
}

function windowedLayers(keys: ModelKeys, { period, fullFirst }: WindowRule, layers: LayerCounts): boolean[] {
  const listed = period === undefined
    ? keys.neededPerLayer(PATTERN, layers)
    : keys.layerArray(PATTERN, layers);
  if (listed) return listed.map((flag) => flag !== 0);
  const length = keys.count(PATTERN) ?? period ?? 0;
  const fullIndex = fullFirst ? 0 : length - 1;
  return Array.from(
    { length: layers.blockCount },
    (_, layer) => length === 0 || layer % length !== fullIndex,
  );
}
