import { AllowedModels } from "../nodes/allowed_models.ts";
import type { ClientKey } from "./client_key.ts";

/** The models that a key may use. */
export class ModelAccess {
  /** Its patterns that are names, with no `*`: what such a name stands for may be used, too. */
  readonly names: readonly string[];
  readonly #allowed: AllowedModels;

  /**
   * Reads the patterns.
   *
   * @param keyName What the key is called.
   * @param patterns As {@linkcode AllowedModels} reads them; at least one.
   */
  constructor(readonly keyName: string, readonly patterns: readonly string[]) {
    this.names = patterns.filter((pattern) => !pattern.includes("*"));
    this.#allowed = new AllowedModels(patterns);
  }

  /** Whether a model may be used by its own name. @param key Its canonical key. */
  allows(key: string): boolean {
    return this.#allowed.allows(key);
  }
}

const ACCESSES = new WeakMap<object, ModelAccess>();

/** The models that a key may use, read once for each; `undefined` for all. */
export function accessOf(key: Pick<ClientKey, "name" | "models">): ModelAccess | undefined {
  if (key.models === undefined) return undefined;
  const known = ACCESSES.get(key) ?? new ModelAccess(key.name, key.models);
  ACCESSES.set(key, known);
  return known;
}
