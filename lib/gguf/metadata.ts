import { GgufSyntaxError } from "./errors.ts";
import type { GgufNumber, ScalarName } from "./value_types.ts";

/** An array in the metadata. */
export interface GgufArray {
  /** Type of the elements. */
  readonly of: ScalarName | "string";
  /** Number of elements. */
  readonly count: number;
  /** Where the first element starts, in bytes from the start of the file. */
  readonly startOffset: number;
  /** Where the last element ends. */
  readonly endOffset: number;
  /** The elements, if they are few numbers or bools. Strings, such as the vocabulary's, are never kept. */
  readonly numbers: readonly number[] | undefined;
}

/** One metadata value, and where it lies in the file in bytes. */
export type GgufValue =
  | { readonly type: ScalarName; readonly offset: number; readonly value: GgufNumber }
  | { readonly type: "string"; readonly offset: number; readonly value: string }
  | { readonly type: "array"; readonly offset: number; readonly value: GgufArray };

/**
 * The key-value part of a header.
 *
 * Each getter is undefined where the key is missing, and throws {@linkcode GgufSyntaxError} where its value has
 * another type, so that a caller never mistakes the one for the other.
 */
export class GgufMetadata {
  readonly #values: ReadonlyMap<string, GgufValue>;

  /** Over values by key, in the order of the file. */
  constructor(values: ReadonlyMap<string, GgufValue>) {
    this.#values = values;
  }

  /** Number of keys. */
  get size(): number {
    return this.#values.size;
  }

  /** The keys in the order of the file. */
  keys(): MapIterator<string> {
    return this.#values.keys();
  }

  /** Whether the key is there, of whatever type. */
  has(key: string): boolean {
    return this.#values.has(key);
  }

  /** The value as it was read, for callers that show all of them. */
  get(key: string): GgufValue | undefined {
    return this.#values.get(key);
  }

  /** A text. */
  string(key: string): string | undefined {
    const entry = this.#values.get(key);
    if (entry === undefined || entry.type === "string") return entry?.value;
    throw mismatch(key, entry, "a string");
  }

  /** A whole or broken number of any width. Whole numbers beyond ±2⁵³ are refused. */
  number(key: string): number | undefined {
    const entry = this.#values.get(key);
    if (entry === undefined) return undefined;
    if (entry.type !== "bool" && typeof entry.value === "number") return entry.value;
    throw mismatch(key, entry, "a number below 2^53");
  }

  /** A bool. */
  bool(key: string): boolean | undefined {
    const entry = this.#values.get(key);
    if (entry === undefined) return undefined;
    if (entry.type === "bool") return entry.value !== 0;
    throw mismatch(key, entry, "a bool");
  }

  /** The elements of an array of numbers or bools (0 or 1). Arrays of more than 4096 elements are refused. */
  numberArray(key: string): readonly number[] | undefined {
    const entry = this.#values.get(key);
    if (entry === undefined) return undefined;
    if (entry.type === "array" && entry.value.numbers) return entry.value.numbers;
    throw mismatch(key, entry, "a short array of numbers");
  }

  /** Number of elements of an array of any type. */
  arrayLength(key: string): number | undefined {
    const entry = this.#values.get(key);
    if (entry === undefined || entry.type === "array") return entry?.value.count;
    throw mismatch(key, entry, "an array");
  }

  /** Where the value of a key lies, for errors about it; 0 for a missing key. */
  offsetOf(key: string): number {
    return this.#values.get(key)?.offset ?? 0;
  }
}

function mismatch(key: string, { type, value, offset }: GgufValue, wanted: string): GgufSyntaxError {
  const found = typeof value === "object" ? `an array of ${value.count} × ${value.of}` : `${type}`;
  const shown = typeof value === "bigint" ? ` ${value}` : "";
  return new GgufSyntaxError(`its metadata key "${key}" is ${found}${shown}, expected ${wanted}`, offset);
}
