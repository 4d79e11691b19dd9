import type { NodeModel } from "./node.ts";

/** What {@linkcode ModelHolders} looks at. */
export interface ModelLister {
  /** What it holds, by canonical key. */
  readonly models: ReadonlyMap<string, NodeModel>;
}

/** Which nodes hold a model: found by its key at once, however many nodes and models there are. */
export class ModelHolders<T extends ModelLister> {
  #places = new Map<T, number>();
  #holders = new Map<string, readonly T[]>();

  /** Those that hold it, in the order of the nodes. The list is never changed: a new one takes its place. */
  of(key: string): readonly T[] {
    return this.#holders.get(key) ?? NONE;
  }

  /** Takes other nodes, with what they hold now. */
  replace(nodes: readonly T[]): void {
    this.#places = new Map(nodes.map((node, index) => [node, index]));
    const holders = new Map<string, T[]>();
    for (const node of nodes) {
      for (const key of node.models.keys()) {
        const known = holders.get(key);
        if (known) known.push(node);
        else holders.set(key, [node]);
      }
    }
    this.#holders = holders;
  }

  /** One of the nodes holds something else than before. @returns The keys of the models that are new, other or gone there. */
  update(node: T, before: ReadonlyMap<string, NodeModel>): string[] {
    if (!this.#places.has(node)) return [];
    const { models } = node;
    const changed = [...before.keys()].filter((key) => !models.has(key));
    for (const key of changed) this.#set(key, this.of(key).filter((other) => other !== node));
    for (const [key, { digest }] of models) {
      const known = before.get(key);
      if (!known) this.#set(key, this.#with(this.of(key), node));
      if (known?.digest !== digest) changed.push(key);
    }
    return changed;
  }

  #set(key: string, holders: readonly T[]): void {
    if (holders.length > 0) this.#holders.set(key, holders);
    else this.#holders.delete(key);
  }

  #with(holders: readonly T[], node: T): readonly T[] {
    const place = this.#places.get(node)!;
    const at = holders.findIndex((other) => this.#places.get(other)! > place);
    return holders.toSpliced(at === -1 ? holders.length : at, 0, node);
  }
}

const NONE: readonly never[] = [];
