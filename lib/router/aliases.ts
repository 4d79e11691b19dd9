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
 * The models to ask instead where one has no capacity, best first: those of each of its names in turn, then those of
 * these. At most 8, none twice, never the model itself.
 *
 * @param names What the model is called: as the client said it, then what that stands for.
 * @param fallbacks By the name as it stands in the configuration; not to be changed afterwards.
 */
export function fallbacksOf(
  names: readonly string[],
  fallbacks: Readonly<Record<string, readonly string[]>>,
): string[] {
  const byKey = keyed(fallbacks);
  const own = new Set(names.map((name) => toWanted(name).key));
  const found = new Map<string, string>();
  const queue = [...own];
  for (const key of queue) { // grows meanwhile
    for (const fallback of byKey.get(key) ?? []) {
      const wanted = toWanted(fallback);
      if (own.has(wanted.key) || found.has(wanted.key) || found.size >= MAX_STEPS) continue;
      found.set(wanted.key, fallback);
      queue.push(wanted.key);
    }
  }
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
