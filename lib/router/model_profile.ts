import type { Config, ModelProfile } from "../config/config.ts";
import { AllowedModels } from "../nodes/allowed_models.ts";
import type { ModelNeed } from "../nodes/model_need.ts";
import { toWanted } from "../ollama/model_source.ts";
import { OLLAMA_CONTEXT_SIZE } from "../planner/node_need.ts";

/** Clients can ask for any name: what is remembered of them is bounded. */
const MAX_REMEMBERED = 10_000;

/**
 * What the operator says of a model, whatever its spelling. A profile without a tag is for `:latest` alone, as the name
 * itself is. One with `*` for any text, such as `llama3.1:*`, is for many, as in a node's list of models. A profile of the
 * very model goes before these, and of these the longest before the others.
 *
 * @param key The model's canonical key.
 * @param config Its `modelProfiles` are not to be changed: a reload brings new ones.
 */
export function profileOf(
  key: string,
  { modelProfiles }: Pick<Config, "modelProfiles">,
): ModelProfile | undefined {
  const book = BOOKS.get(modelProfiles) ?? new ProfileBook(modelProfiles);
  BOOKS.set(modelProfiles, book);
  return book.find(key);
}

/**
 * A need with what the operator's profile says in its place.
 *
 * @param need What was found out; `undefined` if nothing was.
 * @returns `undefined` if neither tells how much memory it is.
 */
export function withProfile(
  need: ModelNeed | undefined,
  profile: ModelProfile | undefined,
): ModelNeed | undefined {
  if (!profile) return need;
  const { memoryBytes } = profile;
  const parameterCount = profile.parameterCount === undefined
    ? need?.parameterCount
    : profile.parameterCount * 1e9;
  if (memoryBytes === undefined) return need && { ...need, parameterCount };
  return {
    bytes: memoryBytes,
    weightBytes: Math.min(memoryBytes, need?.weightBytes ?? memoryBytes),
    contextSize: need?.contextSize ?? OLLAMA_CONTEXT_SIZE,
    parameterCount,
    source: "profile",
  };
}

/** Made once for each configuration. */
const BOOKS = new WeakMap<object, ProfileBook>();

/** All profiles of a configuration, and whom they were found to be for. */
class ProfileBook {
  readonly #byKey = new Map<string, ModelProfile>();
  readonly #patterns: { readonly models: AllowedModels; readonly profile: ModelProfile }[] = [];
  readonly #found = new Map<string, ModelProfile | undefined>();

  constructor(profiles: Config["modelProfiles"]) {
    const byLength = Object.entries(profiles).toSorted(([one], [other]) => other.length - one.length);
    for (const [name, profile] of byLength) {
      if (name.includes("*")) this.#patterns.push({ models: new AllowedModels([name]), profile });
      else this.#byKey.set(toWanted(name).key, profile);
    }
  }

  find(key: string): ModelProfile | undefined {
    const own = this.#byKey.get(key);
    if (own || this.#patterns.length === 0) return own;
    if (this.#found.has(key)) return this.#found.get(key);
    const found = this.#patterns.find(({ models }) => models.allows(key))?.profile;
    if (this.#found.size >= MAX_REMEMBERED) this.#found.clear();
    this.#found.set(key, found);
    return found;
  }
}
