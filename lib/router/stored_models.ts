import type { Clock } from "../clock.ts";
import type { StoredModel } from "../ollama/resolved_model.ts";
import type { ModelStore } from "../ollama/storage.ts";

/** For how long a listing of the store is taken as true, ms. */
const FRESH_MS = 2_000;
/** For how long it is believed that the store does not have what was not listed, ms: somebody may have pulled it since. */
const ABSENCE_MS = 10_000;

/** What our own store has, from memory; read anew behind whoever asks. */
export class StoredModels {
  readonly #store: Pick<ModelStore, "listModels">;
  readonly #clock: Clock;
  #models: ReadonlyMap<string, StoredModel> = new Map();
  #readMs = -Infinity;
  #reading: Promise<ReadonlyMap<string, StoredModel>> | undefined;

  /** Reads nothing yet. */
  constructor(store: Pick<ModelStore, "listModels">, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** All of them by key, two seconds old at most; read once however many ask. */
  async list(): Promise<ReadonlyMap<string, StoredModel>> {
    if (this.#isFresh(FRESH_MS)) return this.#models;
    return await this.#read();
  }

  /**
   * What the last listing says of a model. One that is older than two seconds is renewed behind.
   *
   * @returns Whether the store has it in a form that can be loaded; `undefined` as long as that is not known without looking.
   */
  has(key: string): boolean | undefined {
    this.#renew();
    const model = this.#models.get(key);
    if (model) return model.kind === "gguf";
    return this.#isFresh(ABSENCE_MS) ? false : undefined;
  }

  /** How many models the last listing told of. */
  get count(): number {
    return this.#models.size;
  }

  /** SHA-256 of a model's manifest by the last listing, hex; `undefined` for a plain file, or what is not known to be there. */
  digestOf(key: string): string | undefined {
    this.#renew();
    return this.#models.get(key)?.manifestDigest;
  }

  #isFresh(ms: number): boolean {
    return this.#clock.monotonic() - this.#readMs <= ms;
  }

  #renew(): void {
    if (!this.#isFresh(FRESH_MS)) void this.#read().catch(() => {}); // whoever lists is told
  }

  #read(): Promise<ReadonlyMap<string, StoredModel>> {
    this.#reading ??= this.#readOnce().finally(() => this.#reading = undefined);
    return this.#reading;
  }

  /** The listing is as old as its beginning. */
  async #readOnce(): Promise<ReadonlyMap<string, StoredModel>> {
    const beganMs = this.#clock.monotonic();
    const models = await this.#store.listModels();
    this.#models = new Map(models.map((model) => [model.key, model]));
    this.#readMs = beganMs;
    return this.#models;
  }
}
