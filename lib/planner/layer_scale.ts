import type { PlanModel } from "./model_need.ts";
import type { LayerRange } from "./plan_input.ts";

/** What a run of layers takes of a device's memory. */
export interface RangeBytes {
  /** Its tensors, and the device's copy of what every device holds. */
  readonly weightBytes: number;
  /** Its KV cache. */
  readonly kvBytes: number;
  /** The compute buffer. */
  readonly computeBytes: number;
  /** All together. */
  readonly needBytes: number;
}

/**
 * Weighs runs of a model's units in no time. Units are what llama.cpp deals: the layers, and last the output layer.
 */
export class LayerScale {
  /** Layers, and one for the output layer. */
  readonly unitCount: number;
  /** Index `n`: bytes of the first n units. */
  readonly #weightBytes: Float64Array;
  readonly #kvBytes: Float64Array;

  /** Adds all up once. */
  constructor(readonly model: PlanModel) {
    const { blockCount, outputBytes, perLayerWeightBytes, perLayerKvBytes } = model;
    this.unitCount = blockCount + 1;
    this.#weightBytes = prefixSums(
      this.unitCount,
      (unit) => unit < blockCount ? perLayerWeightBytes[unit] ?? 0 : outputBytes,
    );
    this.#kvBytes = prefixSums(this.unitCount, (unit) => perLayerKvBytes[unit] ?? 0);
  }

  /** Bytes of units from `start` up to, not including, `end`; 0 for none, since such a device is not used at all. */
  needBytes(start: number, end: number): number {
    return this.needWithin(start, end, Infinity);
  }

  /** The same, or `Infinity` if weights and KV cache alone are more than a limit: that is much faster to tell. */
  needWithin(start: number, end: number, limitBytes: number): number {
    if (end <= start) return 0;
    const storedBytes = this.#weightBytesOf(start, end) + this.#kvBytesOf(start, end);
    if (storedBytes > limitBytes) return Infinity;
    return storedBytes + this.model.computeBytes(this.rangeOf(start, end));
  }

  /** The same in its parts. */
  weigh(start: number, end: number): RangeBytes {
    const weightBytes = this.#weightBytesOf(start, end);
    const kvBytes = this.#kvBytesOf(start, end);
    const computeBytes = this.model.computeBytes(this.rangeOf(start, end));
    return { weightBytes, kvBytes, computeBytes, needBytes: weightBytes + kvBytes + computeBytes };
  }

  #weightBytesOf(start: number, end: number): number {
    return this.#weightBytes[end]! - this.#weightBytes[start]! + this.model.otherBytes;
  }

  #kvBytesOf(start: number, end: number): number {
    return this.#kvBytes[end]! - this.#kvBytes[start]!;
  }

  /** Units as layers. */
  rangeOf(start: number, end: number): LayerRange {
    const hasOutput = end === this.unitCount;
    return { firstLayer: start, layerCount: end - start - (hasOutput ? 1 : 0), hasOutput };
  }
}

function prefixSums(count: number, bytesOf: (unit: number) => number): Float64Array {
  const sums = new Float64Array(count + 1);
  for (let unit = 0; unit < count; unit++) sums[unit + 1] = sums[unit]! + bytesOf(unit);
  return sums;
}
