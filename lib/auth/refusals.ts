import type { Scope } from "../config/config.ts";
import { GatewayError } from "../errors.ts";
import type { Client } from "./client.ts";
import type { ClientKey } from "./client_key.ts";

/** What a refusal has to tell. */
export interface Refused {
  /** What the client would have to be let in for. */
  readonly scope: Scope;
  /** What it asked for, such as `GET /metrics`. */
  readonly what: string;
  /** Whether only the worker token, or a key, lets it in. */
  readonly isTokenWanted: boolean;
  /** Whether there are keys that clients may show. */
  readonly hasKeys: boolean;
}

const SEND_IT = "send it as Authorization: Bearer KEY, as x-api-key, or as the password of Basic";

/** For a client that shows no key that is known. */
export function notAuthorized(
  client: Pick<Client, "hasUnknownKey" | "scopes">,
  refused: Refused,
): GatewayError {
  return new GatewayError("unauthorized", whyNotAuthorized(client, refused));
}

function whyNotAuthorized(
  { hasUnknownKey, scopes }: Pick<Client, "hasUnknownKey" | "scopes">,
  { scope, what, isTokenWanted, hasKeys }: Refused,
): string {
  if (isTokenWanted || (scope === "worker" && !hasUnknownKey)) {
    const secret = isTokenWanted ? "its worker token" : "an API key with the scope worker";
    return `This gateway lets only workers in that show ${secret}; start the worker with --token, and check it`;
  }
  if (hasUnknownKey) {
    return "This API key is not known; check it, or have the operator make one with `sollol key new`, add it to " +
      "auth.keys, and reload the gateway";
  }
  if (!hasKeys && scopes.length === 0) {
    return `This gateway has no API key yet, and lets only clients on its own machine in; have the operator make one with ` +
      "`sollol key new`, add it to auth.keys, and reload the gateway";
  }
  const [wanted, exception] = scopes.length === 0
    ? ["an API key", ""]
    : [`an API key with the scope ${scope}`, "; without one, clients may only ask models and read metrics"];
  return `This gateway wants ${wanted} for ${what}; ${SEND_IT}${exception}`;
}

/** For a client whose key is for other things. */
export function wrongScope({ name, scopes }: ClientKey, scope: Scope, what: string): GatewayError {
  const has = `the scope${scopes.length === 1 ? "" : "s"} ${scopes.join(" and ")}`;
  const message =
    `The key "${name}" has ${has}, and ${what} needs ${scope}; show another key, or have the operator add ` +
    `${scope} to its scopes in auth.keys`;
  return new GatewayError("forbidden", message);
}
