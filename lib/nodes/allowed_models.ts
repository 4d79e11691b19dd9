import { nameOfKey } from "./name_of_key.ts";

/** Models whose answers are remembered; they are asked for with each request. */
const REMEMBERED_COUNT = 10_000;

/** Which models an operator lets a node serve. */
export class AllowedModels {
  readonly #pattern: RegExp | undefined;
  readonly #remembered = new Map<string, boolean>();

  /**
   * Reads the patterns.
   *
   * @param patterns Names with `*` for any text, compared without regard to case with the name as people write it and
   * with the canonical key; `:latest` need not be said. None: all models.
   */
  constructor(patterns: readonly string[]) {
    if (patterns.length === 0) return;
    this.#pattern = new RegExp(`^(?:${patterns.map(sourceOf).join("|")})$`, "is");
  }

  /** Whether a model may be served there. */
  allows(key: string): boolean {
    if (!this.#pattern) return true;
    const known = this.#remembered.get(key);
    if (known !== undefined) return known;
    const isAllowed = matchesOneOf(this.#pattern, key, nameOfKey(key));
    if (this.#remembered.size >= REMEMBERED_COUNT) this.#remembered.clear();
    this.#remembered.set(key, isAllowed);
    return isAllowed;
  }
}

function matchesOneOf(pattern: RegExp, ...names: string[]): boolean {
  return names.some((name) => pattern.test(name) || pattern.test(name.replace(/:latest$/, "")));
}

function sourceOf(pattern: string): string {
  return pattern.trim().split(/\*+/).map((text) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join(".*");
}
