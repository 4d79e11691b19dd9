import type { KnownNode } from "../nodes/node.ts";

/** Digits of a digest that tell it from others. */
const TOLD_LENGTH = 12;

/** Tells which nodes hold something else than most under the name of a model. */
export class DigestNotes {
  readonly #counts = new Map<string, number>();
  readonly #key: string;

  /** Looks at all nodes that hold the model with this key. */
  constructor(holders: readonly KnownNode[], key: string) {
    this.#key = key;
    for (const node of holders) {
      const digest = this.#digestOf(node);
      if (digest !== undefined) this.#counts.set(digest, (this.#counts.get(digest) ?? 0) + 1);
    }
  }

  /** What is to be said of a node: one clause, or none. */
  of(node: KnownNode): string[] {
    const digest = this.#digestOf(node);
    if (digest === undefined || this.#counts.size < 2) return [];
    const count = this.#counts.get(digest) ?? 0;
    const most = Math.max(...this.#counts.values());
    const isUsual = count === most &&
      [...this.#counts.values()].filter((other) => other === most).length === 1;
    if (isUsual) return [];
    const what = `its digest is ${digest.slice(0, TOLD_LENGTH)}`;
    return [count < most ? `${what}, another than that of most nodes` : `${what}, others have another`];
  }

  #digestOf(node: KnownNode): string | undefined {
    return node.models.get(this.#key)?.digest;
  }
}
