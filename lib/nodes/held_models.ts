import { guessNeed, parseParameterSize } from "../planner/guessed_need.ts";
import { needOfWeights } from "../planner/node_need.ts";
import type { ModelNeed } from "./model_need.ts";
import type { KnownNode, NodeModel } from "./node.ts";

/** Models whose needs are kept; what nodes hold beyond them is known by name alone. */
const MAX_MODELS = 20_000;

/** A node that holds models, and how it is to be asked about them. */
export interface Holder {
  /** The node, live. */
  readonly node: KnownNode;
  /** How often in a row it failed to answer. */
  failureCount: number;
  /** Until when it is left alone, by the monotonic clock, ms. */
  pausedUntilMs: number;
}

/** One model, wherever it lies and under whatever names. */
export class HeldModel {
  /** Of its manifest, hex; empty if the node tells none. */
  readonly digest: string;
  /** All that belongs to it on the disk, bytes; 0 if no node tells. */
  readonly sizeBytes: number;
  /** Where it lies, and how each node spells it. */
  readonly places = new Map<Holder, string>();
  /** Those of them that were asked, and have nothing to tell. */
  readonly useless = new Set<Holder>();
  /** What a node showed of it. */
  shown: ModelNeed | undefined;
  readonly #estimated: ModelNeed | undefined;

  /** As a node lists it. */
  constructor({ digest, name, sizeBytes, parameterSize = "" }: NodeModel) {
    this.digest = digest;
    this.sizeBytes = sizeBytes;
    const parameterCount = parseParameterSize(parameterSize) ?? guessNeed(name)?.parameterCount;
    this.#estimated = sizeBytes > 0 ? needOfWeights(sizeBytes, parameterCount, "size") : undefined;
  }

  /** The best that nodes tell of it; `undefined` for nothing. */
  get need(): ModelNeed | undefined {
    return this.shown ?? this.#estimated;
  }

  /** Whether a node may still tell more. */
  get isOpen(): boolean {
    return !this.shown && this.sizeBytes > 0 && this.useless.size < this.places.size;
  }
}

/** Which models the nodes hold, each once; what nobody holds any more is forgotten. Bounded. */
export class HeldModels {
  readonly #holders = new Map<string, Holder>();
  readonly #lists = new Map<Holder, readonly Listed[]>();
  readonly #byIdentity = new Map<string, HeldModel>();
  /** How many nodes mean which model by a key. */
  readonly #byKey = new Map<string, Map<HeldModel, number>>();

  /** All of them. */
  get models(): Iterable<HeldModel> {
    return this.#byIdentity.values();
  }

  /** What nodes mean by this key: several models, if they do not agree. */
  withKey(key: string): readonly HeldModel[] {
    return [...this.#byKey.get(key)?.keys() ?? []];
  }

  /**
   * Takes what a node holds now in the place of what it held. A node that was asked about a model in vain is not asked
   * again for as long as it goes on listing that very model by that name.
   *
   * @returns Models that nobody holds any more.
   */
  put(node: KnownNode): readonly HeldModel[] {
    const known = this.#holders.get(node.url);
    const askedInVain = known?.node === node ? this.#askedInVain(known) : [];
    const before = known ? this.#clear(known) : [];
    const holder = known?.node === node ? known : { node, failureCount: 0, pausedUntilMs: -Infinity };
    this.#holders.set(node.url, holder);
    this.#lists.set(holder, [...node.models.values()].flatMap((model) => this.#add(holder, model)));
    for (const { model, name } of askedInVain) {
      if (model.places.get(holder) === name) model.useless.add(holder);
    }
    return this.#forgetUnheld(before);
  }

  /** Lets go of a node. @returns Models that nobody holds any more. */
  remove({ url }: Pick<KnownNode, "url">): readonly HeldModel[] {
    const holder = this.#holders.get(url);
    if (!holder) return [];
    this.#holders.delete(url);
    return this.#forgetUnheld(this.#clear(holder));
  }

  #add(holder: Holder, listed: NodeModel): Listed[] {
    const { digest, key, name } = listed;
    const identity = digest === "" ? `${key} at ${holder.node.url}` : digest;
    const known = this.#byIdentity.get(identity);
    if (!known && this.#byIdentity.size >= MAX_MODELS) return [];
    const model = known ?? new HeldModel(listed);
    this.#byIdentity.set(identity, model);
    model.places.set(holder, name);
    const counts = this.#byKey.get(key) ?? new Map<HeldModel, number>();
    this.#byKey.set(key, counts.set(model, (counts.get(model) ?? 0) + 1));
    return [{ identity, key, model }];
  }

  #askedInVain(holder: Holder): { readonly model: HeldModel; readonly name: string | undefined }[] {
    const models = this.#lists.get(holder)?.map(({ model }) => model) ?? [];
    return models.filter(({ useless }) => useless.has(holder))
      .map((model) => ({ model, name: model.places.get(holder) }));
  }

  #clear(holder: Holder): readonly Listed[] {
    const list = this.#lists.get(holder) ?? [];
    this.#lists.delete(holder);
    for (const { key, model } of list) {
      model.places.delete(holder);
      model.useless.delete(holder);
      const counts = this.#byKey.get(key)!;
      const leftCount = counts.get(model)! - 1;
      if (leftCount > 0) counts.set(model, leftCount);
      else counts.delete(model);
      if (counts.size === 0) this.#byKey.delete(key);
    }
    return list;
  }

  #forgetUnheld(list: readonly Listed[]): readonly HeldModel[] {
    const unheld = list.filter(({ model }) => model.places.size === 0);
    for (const { identity } of unheld) this.#byIdentity.delete(identity);
    return unheld.map(({ model }) => model);
  }
}

/** One entry of a node's list. */
interface Listed {
  readonly identity: string;
  readonly key: string;
  readonly model: HeldModel;
}
