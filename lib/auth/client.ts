import type { Scope } from "../config/config.ts";
import type { ClientKey } from "./client_key.ts";
import type { ModelAccess } from "./model_access.ts";

/** Who asks, and what for. */
export interface Client {
  /** The key that it shows; `undefined` without one, and with one that nobody knows. */
  readonly key: ClientKey | undefined;
  /** Whether it shows a key that nobody knows. */
  readonly hasUnknownKey: boolean;
  /** Where it is, as far as that is known. */
  readonly address: string | undefined;
  /** What it may do; with `admin`, everything. */
  readonly scopes: readonly Scope[];
  /** The models that it may use; `undefined` for all. */
  readonly access: ModelAccess | undefined;
}

/** Whether a client may do what is in this scope. */
export function may({ scopes }: Pick<Client, "scopes">, scope: Scope): boolean {
  return scopes.includes(scope) || scopes.includes("admin");
}

/** The priority that a client's request gets: what it asks for, but no more than its key allows. */
export function allowedPriority(
  client: Pick<Client, "key"> | undefined,
  asked: number | undefined,
): number | undefined {
  const most = client?.key?.maxPriority;
  return most === undefined ? asked : Math.min(asked ?? USUAL_PRIORITY, most);
}

/** That of requests that ask for none. */
const USUAL_PRIORITY = 5;
