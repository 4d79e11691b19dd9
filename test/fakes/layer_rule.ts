/** What decides where llama.cpp puts each layer. */
export interface LayerRuleInput {
  /** Transformer blocks of the model. */
  readonly blockCount: number;
  /** `-ngl`: how many layers go to devices, the output layer counted as one. Default: all. */
  readonly ngl?: number | undefined;
  /** `-ts`: the share of each device, in any unit. */
  readonly tensorSplit: readonly number[];
}

/** A layer's place: the index of a device in the order of `--device`, or the host of llama-server. */
export type LayerPlace = number | "host";

/**
 * Assigns layers to devices exactly as llama.cpp does, in 32-bit floats: a share like 1/3 rounds differently in
 * 64 bits, and a layer lands on another device.
 *
 * @returns One place a layer, and last the place of the output layer: `blockCount + 1` entries.
 * @throws {RangeError} If no device has a share.
 * @see `llama_model::load_tensors`, `get_layer_buft_list` in src/llama-model.cpp, b11669
 */
export function assignLayers({ blockCount, ngl = Infinity, tensorSplit }: LayerRuleInput): LayerPlace[] {
  const unitCount = blockCount + 1;
  const activeCount = Math.min(ngl, unitCount);
  const start = Math.max(unitCount - ngl, 0);
  const shares = cumulativeShares(tensorSplit);
  return Array.from({ length: unitCount }, (_, unit) => {
    if (unit < start) return "host";
    const position = Math.fround((unit - start) / activeCount);
    return shares.findIndex((share) => share > position);
  });
}

function cumulativeShares(tensorSplit: readonly number[]): number[] {
  let sum = 0;
  const sums = tensorSplit.map((share) => sum = Math.fround(sum + Math.fround(share)));
  if (!(sum > 0)) {
    throw new RangeError(
      `Cannot split layers by ${tensorSplit.join(",") || "nothing"}: no device has a share`,
    );
  }
  return sums.map((partial) => Math.fround(partial / sum));
}
