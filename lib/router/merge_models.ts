import type { ExternalFacts } from "../coordinator/external.ts";
import { listNames } from "../name_list.ts";
import type { KnownNode, NodeModel } from "../nodes/node.ts";
import { toWanted } from "../ollama/model_source.ts";
import type { StoredModel } from "../ollama/resolved_model.ts";
import type { Mode } from "./decision.ts";
import type { ListedModel } from "./listed_model.ts";

/** All places that models can be in, and what they are used for. */
export interface ModelPlaces {
  /** Our own store, by key. */
  readonly stored: ReadonlyMap<string, StoredModel>;
  /** The nodes, up or down. */
  readonly nodes: readonly KnownNode[];
  /** Names that the coordinators of others serve, as they spell them. */
  readonly externalNames: readonly string[];
  /** How those coordinators are. */
  readonly externals: readonly ExternalFacts[];
  /** Other names of models, by the name as it stands in the configuration. */
  readonly aliases: Readonly<Record<string, string>>;
  /** Which kinds of upstream there are to be. */
  readonly mode: Mode;
}

/** Nodes whose troubles a sentence tells. */
const TOLD_NODES = 3;

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
  const entries = new Map([...found].map(([key, model]) => [key, entryOf(model, places)]));
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

function entryOf(found: FoundModel, places: ModelPlaces): ListedModel {
  const { key, stored, listings, externalName } = found;
  const listed = listings[0]?.model;
  const told = stored ?? listed;
  const obstacles = obstaclesOf(found, places);
  const isAvailable = obstacles.includes(undefined);
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
    isAvailable,
    unavailableBecause: isAvailable ? undefined : obstacles.join("; "),
    aliasOf: undefined,
  };
}

function latest(listings: FoundModel["listings"]): number {
  return Math.max(0, ...listings.map(({ model }) => model.modifiedAtMs).filter(Number.isFinite));
}

/** For each kind of upstream that has it, why it cannot serve it; `undefined` for one that can. */
function obstaclesOf(
  { key, stored, listings, externalName }: FoundModel,
  { mode, externals }: ModelPlaces,
): (string | undefined)[] {
  const obstacles: (string | undefined)[] = [];
  if (stored) obstacles.push(storeObstacle(stored, mode));
  if (listings.length > 0) obstacles.push(nodesObstacle(key, mode, listings.map(({ node }) => node)));
  if (externalName !== undefined) {
    const isServed = externals.some(({ health, modelKeys }) => health === "up" && modelKeys.has(key));
    obstacles.push(isServed ? undefined : "no coordinator of others that serves it is up");
  }
  return obstacles;
}

function storeObstacle({ kind }: StoredModel, mode: Mode): string | undefined {
  if (kind !== "gguf") return UNLOADABLE[kind];
  return mode === "distribution" ? "our own store has it, but model_sharding_enabled is false" : undefined;
}

const UNLOADABLE: Record<Exclude<StoredModel["kind"], "gguf">, string> = {
  safetensors: "our own store has it as safetensors, which llama-server cannot load",
  cloud: "it runs in Ollama's cloud, not here",
  ambiguous: "its manifest in our own store lists several models",
  empty: "its manifest in our own store lists no weights",
};

function nodesObstacle(key: string, mode: Mode, nodes: readonly KnownNode[]): string | undefined {
  if (mode === "sharding") {
    const names = listNames(nodes.map(({ name }) => name), TOLD_NODES);
    return `it is on ${names}, but task_distribution_enabled is false`;
  }
  const troubles = nodes.map((node) => nodeTrouble(key, mode, node));
  if (troubles.includes(undefined)) return undefined;
  return listNames(nodes.map(({ name }, at) => `${name}: ${troubles[at]}`), TOLD_NODES);
}

/** A node that sleeps is woken by the request. */
function nodeTrouble(key: string, mode: Mode, node: KnownNode): string | undefined {
  if (mode === "single" && !node.isLocal) return "it is another host, but task_distribution_enabled is false";
  if (!node.allows(key)) return "it may not serve this model";
  return node.isSound || node.wake ? undefined : node.unsoundness ?? node.reason;
}

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
    isAvailable: false,
    unavailableBecause: `it stands for "${name}", which nobody has`,
    aliasOf: name,
  };
}
