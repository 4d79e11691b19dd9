import type { GgufMetadata, GgufValue } from "../gguf/metadata.ts";
import type { GgufNumber, ScalarName } from "../gguf/value_types.ts";

/** One value of an array in the metadata. */
export type GgufElement = string | GgufNumber;

/** The elements of arrays that were read, by key. */
export type GgufArrays = ReadonlyMap<string, readonly GgufElement[]>;

/**
 * The metadata of a GGUF as Ollama's answers show them: sorted by key, bools as such, short decimals for what is stored
 * with 32 bits. An array whose elements were not read is null.
 */
export function shownMetadata(
  metadata: Pick<GgufMetadata, "keys" | "get">,
  arrays: GgufArrays,
): Map<string, unknown> {
  const entries = [...metadata.keys()].map((key): [string, unknown] => {
    return [key, shownValue(metadata.get(key)!, arrays.get(key))];
  });
  return new Map(entries);
}

function shownValue(entry: GgufValue, elements: readonly GgufElement[] | undefined): unknown {
  if (entry.type === "string") return entry.value;
  if (entry.type !== "array") return shownNumber(entry.type, entry.value);
  const { of, count } = entry.value;
  if (count === 0) return [];
  return elements?.map((element) => typeof element === "string" ? element : shownNumber(of, element)) ?? null;
}

function shownNumber(type: ScalarName | "string", value: GgufNumber): unknown {
  if (type === "bool") return value !== 0;
  const number = Number(value); // beyond 2⁵³ it loses digits, as in most readers of JSON
  return type === "float32" ? shortest(number) : number;
}

/** The decimal with the fewest digits that 32 bits store as this very value. */
function shortest(value: number): number | null {
  if (!Number.isFinite(value)) return null;
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}
