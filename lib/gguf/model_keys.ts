import { GgufSyntaxError } from "./errors.ts";
import type { GgufMetadata } from "./metadata.ts";

/** Wider than any model; the product of two is still a whole number to us. */
const MAX_COUNT = 2 ** 24;

/** What a count may be. */
export interface CountRange {
  /** Default 0. */
  readonly min?: number;
  /** Default 2²⁴. */
  readonly max?: number;
}

/** The keys of a GGUF that belong to its architecture, such as `llama.block_count`: all counts, none to be trusted. */
export class ModelKeys {
  readonly #metadata: GgufMetadata;

  /** Over the metadata of one model. */
  constructor(
    metadata: GgufMetadata,
    /** The prefix of all keys. */
    readonly architecture: string,
  ) {
    this.#metadata = metadata;
  }

  /**
   * A whole number; `undefined` where the key is missing.
   *
   * @param name Without the prefix.
   * @throws {GgufSyntaxError} If it is no whole number, or out of range.
   */
  count(name: string, range: CountRange = {}): number | undefined {
    const key = this.#key(name);
    const value = this.#metadata.number(key);
    return value === undefined ? undefined : this.#checked(key, value, range);
  }

  /**
   * A whole number that llama.cpp cannot do without.
   *
   * @throws {GgufSyntaxError} As {@linkcode count}, and if the key is missing.
   */
  neededCount(name: string, range: CountRange = {}): number {
    return this.count(name, range) ?? this.#missing(name);
  }

  /**
   * One number for each layer, from a single one or an array. An array may leave out the layers that predict further
   * tokens, as some converters do; those then get what the last one has.
   *
   * @throws {GgufSyntaxError} If the array has another length, or an entry is no count.
   */
  perLayer(name: string, layers: LayerCounts): number[] | undefined {
    const key = this.#key(name);
    if (this.#metadata.get(key)?.type === "array") return this.layerArray(name, layers);
    const same = this.count(name);
    return same === undefined ? undefined : new Array<number>(layers.blockCount).fill(same);
  }

  /** As {@linkcode perLayer}, but `undefined` also for a single number. */
  layerArray(name: string, { blockCount, layerCount }: LayerCounts): number[] | undefined {
    const key = this.#key(name);
    if (this.#metadata.get(key)?.type !== "array") return undefined;
    const length = this.#metadata.arrayLength(key)!;
    if (length !== layerCount && length !== blockCount) {
      const problem = `its "${key}" has ${length} entries for ${layerCount} layers`;
      throw new GgufSyntaxError(problem, this.#metadata.offsetOf(key));
    }
    const counts = this.#metadata.numberArray(key)!.map((value) => this.#checked(key, value));
    return Array.from({ length: blockCount }, (_, layer) => counts[Math.min(layer, length - 1)] ?? 0);
  }

  /**
   * As {@linkcode perLayer}, for a key that llama.cpp cannot do without.
   *
   * @throws {GgufSyntaxError} As {@linkcode perLayer}, and if the key is missing.
   */
  neededPerLayer(name: string, layers: LayerCounts): number[] {
    return this.perLayer(name, layers) ?? this.#missing(name);
  }

  #key(name: string): string {
    return `${this.architecture}.${name}`;
  }

  #missing(name: string): never {
    throw new GgufSyntaxError(`its metadata key "${this.#key(name)}" is missing`, 0);
  }

  #checked(key: string, value: number, { min = 0, max = MAX_COUNT }: CountRange = {}): number {
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw new GgufSyntaxError(
      `its "${key}" is ${value}, expected ${min} to ${max}`,
      this.#metadata.offsetOf(key),
    );
  }
}

/** How many layers a model has. */
export interface LayerCounts {
  /** All of them. */
  readonly blockCount: number;
  /** Without the last ones, which only predict further tokens (MTP). */
  readonly layerCount: number;
}
