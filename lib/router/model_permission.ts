import type { ModelAccess } from "../auth/model_access.ts";
import { GatewayError } from "../errors.ts";
import { listNames } from "../name_list.ts";
import { resolveAlias } from "./aliases.ts";

/** What tells which model a name is. */
export interface ModelNames {
  /** By the name as it stands in the configuration. */
  readonly aliases: Readonly<Record<string, string>>;
  /** The canonical key of a name. */
  readonly keyOf: (name: string) => string;
}

/** Patterns that a sentence tells. */
const TOLD_PATTERNS = 5;

/**
 * Whether a client may use a model.
 *
 * @param model The model that would serve, aliases resolved: an alias that a key may use by name stands for its model, and
 *   one that a `*` only happens to match does not.
 * @param access Of the client's key; `undefined`: all models.
 */
export function isPermitted(
  model: string,
  access: ModelAccess | undefined,
  { aliases, keyOf }: ModelNames,
): boolean {
  if (access === undefined) return true;
  const key = keyOf(model);
  return access.allows(key) || access.names.some((name) => keyOf(resolveAlias(name, aliases)) === key);
}

/**
 * For a client that may not use the model that it asks for.
 *
 * @param said Its own name for it, since what that stands for is not its business; `undefined` if it named none.
 */
export function notPermitted(said: string | undefined, { keyName, patterns }: ModelAccess): GatewayError {
  const allowed = listNames(patterns, TOLD_PATTERNS);
  const model = said === undefined
    ? "the model that is asked where none is named"
    : `the model "${said.slice(0, 200)}"`;
  const message = `The key "${keyName}" may not use ${model}, only ${allowed}; ask for ` +
    "one of those that GET /v1/models lists, or have the operator add it to the key's models in auth.keys";
  return new GatewayError("forbidden", message, { field: "model" });
}
