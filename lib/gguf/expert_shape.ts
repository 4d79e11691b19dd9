import { GgufSyntaxError } from "./errors.ts";
import type { ExpertShape } from "./layer_shape.ts";
import type { ModelKeys } from "./model_keys.ts";
import type { GgufTensor } from "./tensors.ts";

/**
 * The experts of a mixture-of-experts model; `undefined` for a dense one. Widths are those of the tensors; where these
 * are not at hand, of the metadata.
 *
 * @throws {GgufSyntaxError} If more experts compute a token than there are, or none does.
 */
export function expertsOf(keys: ModelKeys, tensors: readonly GgufTensor[]): ExpertShape | undefined {
  const count = keys.count("expert_count") ?? 0;
  const usedCount = keys.count("expert_used_count") ?? 0;
  if (count === 0 || (count === 1 && usedCount === 0)) return undefined;
  if (usedCount === 0 || usedCount > count) {
    const key = `${keys.architecture}.expert_used_count`;
    throw new GgufSyntaxError(`its "${key}" is ${usedCount}, expected 1 to ${count}`, 0);
  }
  const feedForwardLength = rowLength(tensors, /^blk\.\d+\.ffn_down_exps\.weight$/) ??
    keys.count("expert_feed_forward_length") ?? 0;
  return {
    count,
    usedCount,
    feedForwardLength,
    sharedFeedForwardLength: rowLength(tensors, /^blk\.\d+\.ffn_down_shexp\.weight$/) ??
      keys.count("expert_shared_feed_forward_length") ??
      (keys.count("expert_shared_count") ?? 0) * feedForwardLength,
  };
}

/**
 * Inner width of each layer's dense feed-forward part, as its tensors have it; 0 in a layer that has only experts. Where
 * a layer's tensors are not at hand, as the metadata say.
 */
export function denseFeedForward(tensors: readonly GgufTensor[]): (layer: number, told: number) => number {
  const dense = new Map<number, number>();
  const expertLayers = new Set<number>();
  for (const { name, dims } of tensors) {
    const found = /^blk\.(\d+)\.ffn_down(_exps)?\.weight$/.exec(name);
    if (found?.[2]) expertLayers.add(Number(found[1]));
    else if (found) dense.set(Number(found[1]), dims[0] ?? 0);
  }
  return (layer, told) => dense.get(layer) ?? (expertLayers.has(layer) ? 0 : told);
}

function rowLength(tensors: readonly GgufTensor[], name: RegExp): number | undefined {
  return tensors.find((tensor) => name.test(tensor.name))?.dims[0];
}
