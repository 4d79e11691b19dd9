import { MovingAverage } from "./moving_average.ts";

/** Of the newest figure. */
const SHARE = 0.2;

/** How fast a node is, as its answers show. */
export class NodeSpeed {
  readonly #firstToken = new MovingAverage(SHARE);
  readonly #tokensPerSecond = new Map<string, MovingAverage>();

  /** Time to the first token, ms; `undefined` until there was one. */
  get firstTokenMs(): number | undefined {
    return this.#firstToken.value;
  }

  /** Tokens a second of a model; `undefined` until it answered. */
  tokensPerSecondOf(key: string): number | undefined {
    return this.#tokensPerSecond.get(key)?.value;
  }

  /** The first token of an answer has come so long after its request. */
  takeFirstToken(ms: number): void {
    this.#firstToken.take(ms);
  }

  /** An answer of a model had so many tokens, and took so long for them. */
  takeTokens(key: string, { count, ms }: { readonly count: number; readonly ms: number }): void {
    if (!(count > 0 && ms > 0)) return;
    const average = this.#tokensPerSecond.get(key) ?? new MovingAverage(SHARE);
    average.take(count * 1_000 / ms);
    this.#tokensPerSecond.set(key, average);
  }

  /** Forgets models that the node does not hold any more. */
  prune(models: ReadonlyMap<string, unknown>): void {
    for (const key of this.#tokensPerSecond.keys()) {
      if (!models.has(key)) this.#tokensPerSecond.delete(key);
    }
  }
}
