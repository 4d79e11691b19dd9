import { ModelNotes } from "./model_notes.ts";
import type { NodeModel, ResidentModel } from "./node.ts";
import type { ListedModels, NodeUp } from "./node_check.ts";

/** For how long it is remembered that a node had too little memory for a model, ms. */
const REFUSED_MS = 10 * 60_000;
/** For how long a node is not believed that it holds a model which it did not find, ms. */
const MISSING_MS = 10_000;

/** What a node holds and has in memory: what it lists, and what requests have met. Pure: time is told. */
export class NodeHoldings {
  readonly #refused = new ModelNotes<true>(REFUSED_MS);
  readonly #missing = new ModelNotes<true>(MISSING_MS);
  #listed: ListedModels | undefined;
  #models: ReadonlyMap<string, NodeModel> = new Map();
  #isRecalled = false;
  #resident: ReadonlyMap<string, ResidentModel> = new Map();
  #residentBytes = 0;

  /** What it listed last, so that the same answer is not read again; `undefined` until it did. */
  get listed(): ListedModels | undefined {
    return this.#listed;
  }

  /** Whether it is known what it holds, be it from before a restart. */
  get isKnown(): boolean {
    return this.#isRecalled || this.#listed !== undefined;
  }

  /** What it holds, by canonical key. Another object once that has changed; a new date alone is no change. */
  get models(): ReadonlyMap<string, NodeModel> {
    return this.#models;
  }

  /** What it has in memory, by canonical key. */
  get resident(): ReadonlyMap<string, ResidentModel> {
    return this.#resident;
  }

  /** Memory that its resident models take, bytes. */
  get residentBytes(): number {
    return this.#residentBytes;
  }

  /** Whether {@linkcode hasRefused} can be true of any model. */
  get mayHaveRefused(): boolean {
    return this.#refused.size > 0;
  }

  /** Whether it had too little memory for a model of late. */
  hasRefused(key: string, nowMs: number): boolean {
    return this.#refused.get(key, nowMs) === true;
  }

  /** Takes what it held before a restart, for as long as it does not list anything itself. */
  recall(models: readonly NodeModel[]): void {
    if (this.#listed) return;
    this.#isRecalled = true;
    this.#models = new Map(models.map((model) => [model.key, model]));
  }

  /** Takes what a check found. */
  learn({ listed, resident }: Pick<NodeUp, "listed" | "resident">, nowMs: number): void {
    this.#hold(listed, nowMs);
    if (resident) this.#keepResident(resident);
  }

  /** Its process has ended, and with it what was in memory. */
  forgetResident(): void {
    this.#keepResident(new Map());
  }

  /** It does not have a model that it listed. Several requests may find that, one after the other. */
  miss(key: string, nowMs: number): void {
    const model = (this.#listed?.models ?? this.#models).get(key); // one that is missing already is not in the other
    this.#missing.set(key, model?.digest, true, nowMs);
    if (this.#listed) this.#hold(this.#listed, nowMs);
    this.#keepResident(without(this.#resident, (other) => other === key));
  }

  /** It has too little memory for a model. */
  refuse(key: string, nowMs: number): void {
    this.#refused.set(key, this.#models.get(key)?.digest, true, nowMs);
  }

  #hold(listed: ListedModels, nowMs: number): void {
    const before = this.#listed;
    const models = before && areSame(before.models, listed.models) ? before.models : listed.models;
    this.#listed = models === listed.models ? listed : { text: listed.text, models };
    this.#missing.prune(models, nowMs);
    const held = this.#missing.size === 0
      ? models
      : without(models, (key) => this.#missing.get(key, nowMs) === true);
    if (!before || !areSame(this.#models, held)) this.#models = held;
    this.#refused.prune(held, nowMs);
  }

  #keepResident(resident: ReadonlyMap<string, ResidentModel>): void {
    this.#resident = resident;
    this.#residentBytes = 0;
    for (const { sizeBytes } of resident.values()) this.#residentBytes += sizeBytes;
  }
}

/** Some that pass for an Ollama date their models anew in each answer. */
function areSame(one: ReadonlyMap<string, NodeModel>, other: ReadonlyMap<string, NodeModel>): boolean {
  if (one === other) return true;
  if (one.size !== other.size) return false;
  for (const [key, model] of one) if (!isSame(model, other.get(key))) return false;
  return true;
}

function isSame(one: NodeModel, other: NodeModel | undefined): boolean {
  return other !== undefined && (Object.keys(one) as (keyof NodeModel)[])
    .every((field) => field === "modifiedAtMs" || one[field] === other[field]);
}

function without<T>(models: ReadonlyMap<string, T>, isLeftOut: (key: string) => boolean): Map<string, T> {
  return new Map([...models].filter(([key]) => !isLeftOut(key)));
}
