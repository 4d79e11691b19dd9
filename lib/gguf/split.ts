import { GgufSyntaxError } from "./errors.ts";
import type { GgufMetadata } from "./metadata.ts";

/** More do not fit the five digits in a shard's name. */
const MAX_SHARD_COUNT = 99_999;

/** What one shard says of the split model that it belongs to. */
export interface GgufSplit {
  /** Which shard this is, from 0. */
  readonly index: number;
  /** How many shards there are, at least 2. */
  readonly count: number;
  /** How many tensors all of them hold together. */
  readonly tensorCount: number;
}

/** A shard's file name, taken apart. */
export interface ShardName {
  /** All that comes before `-00001-of-00003.gguf`; may hold a directory. */
  readonly prefix: string;
  /** Which shard the name says it is, from 0. */
  readonly index: number;
  /** How many shards the name says there are. */
  readonly count: number;
}

/**
 * Reads the `split.*` keys; undefined for a model in one file.
 *
 * @throws {GgufSyntaxError} If they contradict each other.
 * @see tools/gguf-split/gguf-split.cpp in llama.cpp
 */
export function splitOf(metadata: GgufMetadata): GgufSplit | undefined {
  const read = (key: string, max: number): number => {
    const value = metadata.number(key) ?? 0;
    if (Number.isInteger(value) && value >= 0 && value <= max) return value;
    throw new GgufSyntaxError(`its ${key} is ${value}, expected 0 to ${max}`, metadata.offsetOf(key));
  };
  const count = read("split.count", MAX_SHARD_COUNT);
  if (count < 2) return undefined;
  return { index: read("split.no", count - 1), count, tensorCount: read("split.tensors.count", 2 ** 31 - 1) };
}

/** The name that llama.cpp wants a shard to have; it counts from 1. */
export function formatShardName({ prefix, index, count }: ShardName): string {
  return `${prefix}-${fiveDigits(index + 1)}-of-${fiveDigits(count)}.gguf`;
}

/** Takes the name or path of a shard apart; undefined if it is not named as one. */
export function parseShardName(name: string): ShardName | undefined {
  const match = /^(.+)-(\d{5})-of-(\d{5})\.gguf$/s.exec(name);
  const [, prefix, number, count] = match ?? [];
  if (prefix === undefined || Number(number) < 1 || Number(number) > Number(count)) return undefined;
  return { prefix, index: Number(number) - 1, count: Number(count) };
}

function fiveDigits(value: number): string {
  return String(value).padStart(5, "0");
}
