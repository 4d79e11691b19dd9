import { type Clock, systemClock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import type { ExternalCoordinators } from "../coordinator/external_coordinators.ts";
import { GatewayError } from "../errors.ts";
import { listNames } from "../name_list.ts";
import type { NodePool } from "../nodes/node.ts";
import { toWanted } from "../ollama/model_source.ts";
import { nearNames } from "../ollama/near_names.ts";
import type { ResolvedModel } from "../ollama/resolved_model.ts";
import type { ModelStore } from "../ollama/storage.ts";
import type { ListedModel } from "./listed_model.ts";
import { mergeModels } from "./merge_models.ts";
import { MergedList } from "./merged_list.ts";
import { modeOf } from "./route_facts.ts";
import { StoredModels } from "./stored_models.ts";
import { curesOfUnasked, usableUnasked, whyUnasked } from "./unasked_nodes.ts";

export type { ListedModel, ModelEntry } from "./listed_model.ts";

/** Where {@linkcode ModelCatalog} looks. */
export interface ModelCatalogParts {
  /** Our own models. */
  readonly store: Pick<ModelStore, "resolve" | "listModels">;
  /** The llama-servers that others run. */
  readonly external: Pick<ExternalCoordinators, "modelNames" | "facts">;
  /** The Ollama nodes. */
  readonly nodes: Pick<NodePool, "nodes" | "unaskedNodes">;
  /** The operator's word; read at each listing. */
  readonly config: Pick<Config, "aliases" | "modelShardingEnabled" | "taskDistributionEnabled">;
  /** Time; only the monotonic one is looked at. Default: the host's. */
  readonly clock?: Clock;
}

const MAX_KNOWN_KEYS = 10_000;
/** Names that a sentence tells. */
const TOLD_NAMES = 5;

/** Names, keys and places of all models: the local store, the nodes, and what coordinators of others serve. */
export class ModelCatalog {
  readonly #parts: ModelCatalogParts;
  readonly #stored: StoredModels;
  readonly #merged = new MergedList();
  readonly #keys = new Map<string, string>();

  /** Reads nothing yet. */
  constructor(parts: ModelCatalogParts) {
    this.#parts = parts;
    this.#stored = new StoredModels(parts.store, parts.clock ?? systemClock);
  }

  /** The canonical key of a name: equal for one model, whatever the spelling. Remembered, since names repeat. */
  keyOf(name: string): string {
    const known = this.#keys.get(name);
    if (known !== undefined) return known;
    if (this.#keys.size >= MAX_KNOWN_KEYS) this.#keys.clear();
    const { key } = toWanted(name);
    this.#keys.set(name, key);
    return key;
  }

  /**
   * Whether our own store has a model that can be loaded, from memory: by a listing that is renewed behind whoever asks.
   *
   * @param key Its canonical key.
   * @returns `undefined` as long as that is not known without looking.
   */
  isStored(key: string): boolean | undefined {
    return this.#stored.has(key);
  }

  /** Whether our own store has any model, as {@linkcode isStored} knows it. */
  get hasStored(): boolean {
    return this.#stored.count > 0;
  }

  /** SHA-256 of the manifest that our own store has of a model, hex, as {@linkcode isStored} knows it. */
  storedDigest(key: string): string | undefined {
    return this.#stored.digestOf(key);
  }

  /**
   * Finds a model's files in the store.
   *
   * @throws {GatewayError} `model_not_found` with near names, wherever those are, and with what others serve;
   *   `model_unusable`, `invalid_request`.
   */
  async resolve(name: string, signal: AbortSignal): Promise<ResolvedModel> {
    try {
      return await this.#parts.store.resolve(name, { signal });
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== "model_not_found") throw error;
      throw await this.#notFound(name, error);
    }
  }

  /**
   * One model by name.
   *
   * @throws {GatewayError} As {@linkcode resolve}.
   */
  async find(name: string, signal: AbortSignal): Promise<ListedModel> {
    const key = this.keyOf(name);
    const isMeant = (entry: ListedModel) => entry.key === key;
    const listed = (await this.list()).find(isMeant);
    if (listed) return listed;
    const { sizeBytes, ...details } = await this.resolve(name, signal); // it came since, or knows the near names
    const stored = new Map([[key, { ...details, kind: "gguf", sizeBytes } as const]]);
    return mergeModels({ ...this.#places(), stored }).find(isMeant)!;
  }

  /** All models, sorted by name: what our own store has is two seconds old at most, all else is as it is now. */
  async list(): Promise<readonly ListedModel[]> {
    const stored = await this.#stored.list();
    return this.#merged.of({ ...this.#places(), stored });
  }

  #places(): Omit<Parameters<typeof mergeModels>[0], "stored"> {
    const { nodes, external, config } = this.#parts;
    return {
      nodes: nodes.nodes,
      externalNames: external.modelNames,
      aliases: config.aliases,
    };
  }

  /** Who looks in vain for a model in our store may want one that nodes hold, or that others serve. */
  async #notFound(name: string, cause: GatewayError): Promise<GatewayError> {
    const { nodes, external, config } = this.#parts;
    const asked = nodes.nodes.filter(({ wasAsked }) => wasAsked);
    const sentence = asked.length > 0 ? await this.#nearSentence(name, asked.length) : cause.message;
    const told = listNames(external.modelNames.map((other) => `"${other}"`), TOLD_NAMES);
    const unasked = usableUnasked(nodes.unaskedNodes, modeOf(config));
    const message = [
      sentence,
      ...(told === "" ? [] : [`coordinators of others serve ${told}`]),
      ...whyUnasked(unasked),
      ...curesOfUnasked(unasked),
    ].join("; ");
    return new GatewayError(cause.code, message, { cause, ...(cause.field && { field: cause.field }) });
  }

  async #nearSentence(name: string, nodeCount: number): Promise<string> {
    const entries = await this.list().catch(() => []);
    const near = nearNames(name, entries.map((entry) => entry.name));
    const where = `in our own store or on ${nodeCount === 1 ? "the node" : `one of ${nodeCount} nodes`}`;
    const cure = near.length > 0
      ? `did you mean ${near.map((other) => `"${other}"`).join(" or ")}?`
      : `pull it on a node with "ollama pull ${name.trim()}"`;
    return `Cannot find model "${name.trim()}" ${where}; ${cure}`;
  }
}
