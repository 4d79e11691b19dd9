import type { KnownNode, NodeModel } from "../nodes/node.ts";
import { toWanted } from "../ollama/model_source.ts";
import type { StoredModel } from "../ollama/resolved_model.ts";
import type { ListedModel } from "./listed_model.ts";

/** All places that models can be in, and what they are used for. */
export interface ModelPlaces {
  /** Our own store, by key. */
  readonly stored: ReadonlyMap<string, StoredModel>;
  /** The nodes, up or down. */
  readonly nodes: readonly KnownNode[];
  /** Names that the coordinators of others serve, as they spell them. */
  readonly externalNames: readonly string[];
  /** Other names of models, by the name as it stands in the configuration. */
  readonly aliases: Readonly<Record<string, string>>;
}

/** One entry for each model and alias, whoever has it, sorted by name. An alias goes before a model of its name. */
export function mergeModels(places: ModelPlaces): ListedModel[] {
  const found = new Map<string, FoundModel>();
  const at = (key: string): FoundModel => {
    const model = found.get(key) ?? { key, listings: [] };
    found.set(key, model);
    return model;
  };
  for (const [key, stored] of places.stored) at(key).stored = stored;
  for (const name of places.externalNames) at(toWanted(name).key).externalName ??= name;
  for (const node of places.nodes) {
    for (const [key, model] of node.models) at(key).listings.push({ node, model });
  }
  const entries = new Map([...found].map(([key, model]) => [key, entryOf(model)]));
  const aliases = Object.entries(places.aliases).map(([alias, name]) => aliasEntry(alias, name, entries));
  for (const alias of aliases) entries.set(alias.key, alias);
  return [...entries.values()].sort((a, b) => a.name < b.name ? -1 : 1);
}

/** What is known of one model, by who has it. */
interface FoundModel {
  readonly key: string;
  readonly listings: { readonly node: KnownNode; readonly model: NodeModel }[];
  stored?: StoredModel;
  externalName?: string;
}

function entryOf({ key, stored, listings, externalName }: FoundModel): ListedModel {
  const listed = listings[0]?.model;
  const told = stored ?? listed;
  const isOurs = listings.length === 0 && externalName === undefined;
  const digests = [stored?.manifestDigest, ...listings.map(({ model }) => model.digest || undefined)];
  const known = digests.filter((digest) => digest !== undefined);
  return {
    key,
    name: told?.name ?? externalName ?? key,
    modifiedAtMs: stored?.modifiedAtMs ?? latest(listings),
    keptBy: stored ? "store" : listed ? "node" : "external",
    sizeBytes: told?.sizeBytes,
    digest: known[0],
    isOneEverywhere: new Set(known).size <= 1,
    family: told?.family,
    parameterSize: told?.parameterSize,
    quantization: told?.quantization,
    holders: listings.map(({ node }) => node.name),
    obstacle: isOurs && stored && stored.kind !== "gguf" ? UNLOADABLE[stored.kind] : undefined,
    aliasOf: undefined,
  };
}

function latest(listings: FoundModel["listings"]): number {
  return Math.max(0, ...listings.map(({ model }) => model.modifiedAtMs).filter(Number.isFinite));
}

const UNLOADABLE: Record<Exclude<StoredModel["kind"], "gguf">, string> = {
  safetensors: "our own store has it as safetensors, which llama-server cannot load",
  cloud: "it runs in Ollama's cloud, not here",
  ambiguous: "its manifest in our own store lists several models",
  empty: "its manifest in our own store lists no weights",
};

function aliasEntry(alias: string, name: string, entries: ReadonlyMap<string, ListedModel>): ListedModel {
  const { key } = toWanted(alias);
  const model = entries.get(toWanted(name).key);
  if (model) return { ...model, key, name: alias, aliasOf: model.name };
  return {
    key,
    name: alias,
    modifiedAtMs: 0,
    keptBy: "node",
    sizeBytes: undefined,
    digest: undefined,
    isOneEverywhere: true,
    family: undefined,
    parameterSize: undefined,
    quantization: undefined,
    holders: [],
    obstacle: `it stands for "${name}", which nobody has`,
    aliasOf: name,
  };
}
