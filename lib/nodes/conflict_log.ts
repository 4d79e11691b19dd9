import type { Logger } from "../log.ts";
import { describeConflict, digestConflictOf, type DigestHolder } from "./digest_conflicts.ts";

/** Lines for one change: two nodes may differ in a thousand models. */
const MAX_LINES = 5;

/** Warns of each name under which nodes hold different models, once. */
export class ConflictLog {
  readonly #logger: Logger;
  /** By key, what was told. */
  readonly #told = new Map<string, string>();

  /** Gets a line for each conflict. */
  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Keys that were warned of, and may be in order again. */
  get keys(): string[] {
    return [...this.#told.keys()];
  }

  /** Looks at these models again. */
  look(keys: readonly string[], holdersOf: (key: string) => readonly DigestHolder[]): void {
    const found = keys.flatMap((key) => this.#foundAnew(key, holdersOf(key)));
    for (const [index, fields] of found.slice(0, MAX_LINES).entries()) {
      const moreCount = index === MAX_LINES - 1 ? found.length - MAX_LINES : 0;
      this.#logger.warn("nodes hold different models of one name", {
        ...fields,
        ...(moreCount > 0 && { moreCount }),
      });
    }
  }

  #foundAnew(key: string, holders: readonly DigestHolder[]): { model: string; digests: string }[] {
    const conflict = digestConflictOf(key, holders);
    if (!conflict) {
      this.#told.delete(key);
      return [];
    }
    const variants = conflict.variants.map(({ digest }) => digest).toSorted().join();
    if (this.#told.get(key) === variants) return [];
    this.#told.set(key, variants);
    return [{ model: conflict.name, digests: describeConflict(conflict) }];
  }
}
