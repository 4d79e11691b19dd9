import { toWanted } from "../ollama/model_source.ts";

/** Longer chains are a mistake. */
const MAX_STEPS = 8;

/**
 * What a name means: the model at the end of its chain of aliases, which is followed through 8 of them at most and never
 * twice through the same; the name itself if it is no alias. Names are compared by their keys, so that `GPT-4` and
 * `gpt-4:latest` are one.
 *
 * @param aliases By the name as it stands in the configuration; not to be changed afterwards.
 */
export function resolveAlias(name: string, aliases: Readonly<Record<string, string>>): string {
  const byKey = keyed(aliases);
  if (byKey.size === 0) return name;
  const seen = new Set<string>();
  let model = name;
  for (let step = 0; step < MAX_STEPS; step++) {
    const { key } = toWanted(model);
    const next = byKey.get(key);
    if (next === undefined || seen.has(toWanted(next).key)) return model;
    seen.add(key);
    model = next;
  }
  return model;
}

/**
 * The models to ask instead where one has no capacity, best first: its own, then those of these. At most 8, none twice,
 * never the model itself.
 *
 * @param fallbacks By the name as it stands in the configuration; not to be changed afterwards.
 */
export function fallbacksOf(name: string, fallbacks: Readonly<Record<string, readonly string[]>>): string[] {
  const byKey = keyed(fallbacks);
  const own = toWanted(name).key;
  const found = new Map([[own, name]]);
  for (const [key] of found) { // grows meanwhile
    for (const fallback of byKey.get(key) ?? []) {
      const wanted = toWanted(fallback);
      if (!found.has(wanted.key) && found.size <= MAX_STEPS) found.set(wanted.key, fallback);
    }
  }
  found.delete(own);
  return [...found.values()];
}

/** Made once for each configuration: a reload brings a new record. */
const KEYED = new WeakMap<object, ReadonlyMap<string, unknown>>();

function keyed<T>(record: Readonly<Record<string, T>>): ReadonlyMap<string, T> {
  const known = KEYED.get(record) as ReadonlyMap<string, T> | undefined;
  if (known) return known;
  const byKey = new Map(Object.entries(record).map(([name, value]) => [toWanted(name).key, value]));
  KEYED.set(record, byKey);
  return byKey;
}
