import { type Clock, systemClock } from "../clock.ts";
import type { ExternalCoordinators } from "../coordinator/external_coordinators.ts";
import { GatewayError } from "../errors.ts";
import { listNames } from "../name_list.ts";
import { toWanted } from "../ollama/model_source.ts";
import type { ResolvedModel } from "../ollama/resolved_model.ts";
import type { ModelStore } from "../ollama/storage.ts";

/** A model that can be asked for. */
export interface ModelEntry {
  /** The name as clients write it. */
  readonly name: string;
  /** When its manifest or file changed, ms since 1970; 0 where that is not known. */
  readonly modifiedAtMs: number;
  /** Who keeps it: our own store, or a coordinator that somebody else runs. */
  readonly keptBy: "store" | "external";
}

/** For how long a listing of the store is taken as true, ms. */
const LIST_FRESH_MS = 2_000;
const MAX_KNOWN_KEYS = 10_000;
/** Names that a sentence tells. */
const TOLD_NAMES = 5;

/** Names, keys and places of all models: the local store, and what coordinators of others serve. */
export class ModelCatalog {
  readonly #keys = new Map<string, string>();
  #listing: { takenMs: number; entries: Promise<ModelEntry[]> } | undefined;

  /** Reads nothing yet. */
  constructor(
    private readonly store: Pick<ModelStore, "resolve" | "listModels">,
    private readonly external: Pick<ExternalCoordinators, "modelNames">,
    private readonly clock: Clock = systemClock,
  ) {}

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
   * Finds a model's files in the store.
   *
   * @throws {GatewayError} `model_not_found` with near names and with what others serve, `model_unusable`,
   *   `invalid_request`.
   */
  async resolve(name: string, signal: AbortSignal): Promise<ResolvedModel> {
    try {
      return await this.store.resolve(name, { signal });
    } catch (error) {
      throw withOthers(error, this.external.modelNames);
    }
  }

  /** All models, sorted by name; at most two seconds old, read once however many ask. */
  list(): Promise<ModelEntry[]> {
    const nowMs = this.clock.monotonic();
    if (!this.#listing || nowMs - this.#listing.takenMs > LIST_FRESH_MS) {
      const entries = this.#read();
      this.#listing = { takenMs: nowMs, entries };
      entries.catch(() => this.#listing = undefined);
    }
    return this.#listing.entries;
  }

  async #read(): Promise<ModelEntry[]> {
    const stored = await this.store.listModels();
    const entries = new Map<string, ModelEntry>();
    for (const name of this.external.modelNames) {
      entries.set(this.keyOf(name), { name, modifiedAtMs: 0, keptBy: "external" });
    }
    for (const { name, modifiedAtMs } of stored) {
      entries.set(this.keyOf(name), { name, modifiedAtMs, keptBy: "store" });
    }
    return [...entries.values()].sort((a, b) => a.name < b.name ? -1 : 1);
  }
}

/** Who looks in vain for a model in our store may want one of those that others serve. */
function withOthers(error: unknown, names: readonly string[]): unknown {
  if (!(error instanceof GatewayError) || error.code !== "model_not_found" || names.length === 0) {
    return error;
  }
  const told = listNames(names.map((name) => `"${name}"`), TOLD_NAMES);
  const message = `${error.message}; coordinators of others serve ${told}`;
  return new GatewayError(error.code, message, { cause: error, ...(error.field && { field: error.field }) });
}
