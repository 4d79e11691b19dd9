import { matchesGlob } from "./glob.ts";
import { nameOfKey } from "./name_of_key.ts";

/** Models whose answers are remembered; they are asked for with each request. */
const REMEMBERED_COUNT = 10_000;

/** Which models an operator lets a node serve. */
export class AllowedModels {
  readonly #patterns: readonly string[];
  readonly #remembered = new Map<string, boolean>();

  /**
   * Reads the patterns.
   *
   * @param patterns Names with `*` for any text, compared without regard to case with the name as people write it and
   * with the canonical key; `:latest` need not be said. None: all models.
   */
  constructor(patterns: readonly string[]) {
    this.#patterns = patterns.map((pattern) => pattern.trim().toLowerCase());
  }

  /** Whether a model may be served there. */
  allows(key: string): boolean {
    if (this.#patterns.length === 0) return true;
    const known = this.#remembered.get(key);
    if (known !== undefined) return known;
    const spellings = spellingsOf(key);
    const isAllowed = this.#patterns.some((pattern) => spellings.some((name) => matchesGlob(pattern, name)));
    if (this.#remembered.size >= REMEMBERED_COUNT) this.#remembered.clear();
    this.#remembered.set(key, isAllowed);
    return isAllowed;
  }
}

function spellingsOf(key: string): string[] {
  const names = [key, nameOfKey(key)].map((name) => name.toLowerCase());
  return [...new Set(names.flatMap((name) => [name, name.replace(/:latest$/, "")]))];
}
