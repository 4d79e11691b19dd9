import { configKeys } from "./keys.ts";
import type { Source } from "./source.ts";

/** Keys and values as people write them: snake_case names, `"10m"`, `"24GiB"`; nothing is validated yet. */
export type RawTree = { readonly [key: string]: unknown };

/** What one source (file, environment, flags) sets, and where each of its values stands. */
export interface Layer {
  /** Only what this source sets. */
  readonly values: RawTree;
  /** By dotted path (`coordinator.slots`, `rpc_backends.1.port`), for sections and elements of lists too. */
  readonly sources: ReadonlyMap<string, Source>;
}

/** A source that sets nothing. */
const EMPTY_LAYER: Layer = { values: {}, sources: new Map() };

/** One key that a source sets. */
export interface LayerEntry {
  /** Dotted path of the key, such as `coordinator.slots`. */
  readonly path: string;
  /** As people write it. */
  readonly value: unknown;
  /** Where it stands. */
  readonly source: Source;
}

/** A layer out of single keys; of two entries for one path the later counts. */
export function layerOf(entries: Iterable<LayerEntry>): Layer {
  let layer = EMPTY_LAYER;
  for (const { path, value, source } of entries) {
    const values = path.split(".").reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as RawTree;
    layer = mergeLayers([layer, { values, sources: new Map([[path, source]]) }]);
  }
  return layer;
}

/**
 * Lays layers over each other: sections are merged key by key; scalars, lists and maps, such as `aliases`, of a later
 * layer replace.
 */
export function mergeLayers(layers: readonly Layer[]): Layer {
  return layers.reduce((below, above) => ({
    values: mergeTrees(below.values, above.values, ""),
    sources: mergeSources(below.sources, above.sources),
  }), EMPTY_LAYER);
}

/** The source of a path, or of the nearest section or list around it. */
export function sourceOf(layer: Layer, path: string): Source | undefined {
  const keys = path.split(".");
  for (let length = keys.length; length > 0; length--) {
    const source = layer.sources.get(keys.slice(0, length).join("."));
    if (source) return source;
  }
  return undefined;
}

/** The value at a dotted path, or `undefined`. */
export function valueAt(tree: RawTree, path: string): unknown {
  return path.split(".").reduce<unknown>((value, key) => isTree(value) ? value[key] : undefined, tree);
}

/** Whether a value is a section: keys and values, not a list and not a scalar. */
export function isTree(value: unknown): value is RawTree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @param prefix Dotted path of both, with a dot behind it; empty for the root. */
function mergeTrees(below: RawTree, above: RawTree, prefix: string): RawTree {
  // Entries, not assignments: a key `__proto__` from a file must stay a key and be refused as an unknown one.
  const merged = new Map(Object.entries(below));
  for (const [key, value] of Object.entries(above)) {
    const known = merged.get(key);
    const path = prefix + key;
    const isSection = isTree(known) && isTree(value) && !isMap(path);
    merged.set(key, isSection ? mergeTrees(known, value, `${path}.`) : value);
  }
  return Object.fromEntries(merged);
}

function isMap(path: string): boolean {
  return configKeys().some((key) => key.kind === "map" && key.path === path);
}

function mergeSources(
  below: ReadonlyMap<string, Source>,
  above: ReadonlyMap<string, Source>,
): ReadonlyMap<string, Source> {
  const replaced = [...above.keys()];
  const kept = [...below].filter(([path]) =>
    !replaced.some((key) => path === key || path.startsWith(`${key}.`))
  );
  return new Map([...kept, ...above]);
}
