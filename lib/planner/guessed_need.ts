import type { ModelNeed } from "../nodes/model_need.ts";
import { needOfWeights } from "./node_need.ts";

/** A number is a size only if nothing touches it: not the `3b` of `a3b`, nor the `4b` of `4bit`. */
const SIZE = /(?<![a-z0-9.])(?:(\d{1,3})x|(e))?(\d{1,4}(?:\.\d{1,3})?)([mbt])(?![a-z0-9])/gi;
const PARAMETERS_PER_UNIT: Record<string, number> = { m: 1e6, b: 1e9, t: 1e12 };

/** The smallest that is called by its millions: `1m` is a context of a million tokens. */
const MIN_MILLIONS = 10;
/** The experts of `8x7b` share all but their feed-forward parts: Mixtral has 46.7 and not 56 billion parameters. */
const EXPERT_SHARE = 0.83;
/** `e4b` works like 4 billion, and has nearly as many again that are only looked up. */
const EFFECTIVE_FACTOR = 2;

const QUANTIZATION =
  /(?<![a-z0-9])(?:i?q([1-8])(?:_[a-z0-9]+)*|(?:mx|nv)?(fp4)|(fp8|int8)|(b?f16|fp16)|(f32|fp32))(?![a-z0-9])/i;

/** Bytes per parameter of what is packed to so many bits, scales and the better packed tensors included. */
const BYTES_BY_BITS: Record<string, number> = {
  ...{ "1": 0.25, "2": 0.4, "3": 0.5, "4": 0.6, "5": 0.71, "6": 0.82, "7": 0.95, "8": 1.07 },
};
/** `Q4_K_M`, which Ollama's library takes where a tag says nothing. */
const USUAL_BYTES = 0.6;

/**
 * What a model takes by its name alone: the last resort, since a name may say anything.
 *
 * The tag is read first, then the model's own name; who owns it, and numbers that belong to a version or to a word, say
 * nothing. Of several sizes the largest counts.
 *
 * @param name As it is spelled, or its key.
 * @returns `undefined` if it tells no size.
 */
export function guessNeed(name: string): ModelNeed | undefined {
  const own = name.slice(name.lastIndexOf("/") + 1).slice(0, MAX_LENGTH);
  const colon = own.indexOf(":");
  const [model, tag] = colon < 0 ? [own, ""] : [own.slice(0, colon), own.slice(colon + 1)];
  const parameterCount = largestSize(tag) ?? largestSize(model);
  if (parameterCount === undefined) return undefined;
  const bytesPerParameter = packedBytes(tag) ?? packedBytes(model) ?? USUAL_BYTES;
  return needOfWeights(Math.ceil(parameterCount * bytesPerParameter), parameterCount, "name");
}

/** Longer names exist, but not longer sizes in them. */
const MAX_LENGTH = 200;

/**
 * Number of parameters as Ollama tells it: `8.0B`, `494.03M`.
 *
 * @returns `undefined` if it is no such text.
 */
export function parseParameterSize(text: string): number | undefined {
  const [, amount, unit] = /^(\d{1,6}(?:\.\d{1,6})?)\s*([kmbt]?)$/i.exec(text.trim()) ?? [];
  if (amount === undefined) return undefined;
  const factor = PARAMETERS_PER_UNIT[unit!.toLowerCase()] ?? (unit === "" ? 1 : 1e3);
  return Math.round(Number(amount) * factor) || undefined;
}

function largestSize(text: string): number | undefined {
  const sizes = [...text.replaceAll("_", "-").matchAll(SIZE)].flatMap(
    ([, experts, effective, amount, unit]) => {
      const number = Number(amount);
      if (number === 0 || (unit!.toLowerCase() === "m" && number < MIN_MILLIONS)) return [];
      const one = number * PARAMETERS_PER_UNIT[unit!.toLowerCase()]!;
      if (experts !== undefined) return [one * Number(experts) * EXPERT_SHARE];
      return [effective === undefined ? one : one * EFFECTIVE_FACTOR];
    },
  );
  return sizes.length === 0 ? undefined : Math.round(Math.max(...sizes));
}

function packedBytes(text: string): number | undefined {
  const found = QUANTIZATION.exec(text);
  if (!found) return undefined;
  const [, bits, fp4, fp8, half, full] = found;
  if (bits !== undefined) return BYTES_BY_BITS[bits];
  if (fp4 !== undefined) return USUAL_BYTES;
  if (fp8 !== undefined) return BYTES_BY_BITS["8"];
  return half !== undefined ? 2 : full !== undefined ? 4 : undefined;
}
