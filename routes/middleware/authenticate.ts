import type { Context, MiddlewareHandler } from "hono";
import type { Client } from "../../lib/auth/client.ts";
import type { ClientAccess } from "../../lib/auth/client_access.ts";
import type { Scope } from "../../lib/config/config.ts";
import type { AppEnv } from "../app_env.ts";

/** Finds out who sends each request, by the key that it shows or else by its address. Refuses nobody. */
export function identifyClient(access: Pick<ClientAccess, "identify">): MiddlewareHandler<AppEnv> {
  return function identifyClientOfRequest(c, next) {
    c.set("client", access.identify({ secret: shownSecret(c), address: addressOf(c) }));
    return next();
  };
}

/** Lets in who may do what is in a scope. Behind {@linkcode identifyClient}. */
export function requireScope(access: Pick<ClientAccess, "require">, scope: Scope): MiddlewareHandler<AppEnv> {
  return function requireScopeOfClient(c, next) {
    access.require(clientOf(c), scope, `${c.req.method} ${c.req.path.slice(0, 200)}`);
    return next();
  };
}

/** Who sends a request. @throws {TypeError} If nobody has looked. */
export function clientOf(c: Context<AppEnv>): Client {
  const client = c.get("client");
  if (client) return client;
  throw new TypeError("Nobody has looked who sends this request; mount identifyClient before");
}

/** The other end of the connection, where the server hands it in. */
export function addressOf(c: Context<AppEnv>): string | undefined {
  const address = c.env?.remoteAddr;
  return address && "hostname" in address ? address.hostname : undefined;
}

/** The key that a request shows, right or wrong; `undefined` if it shows none, or an empty one. */
function shownSecret(c: Context<AppEnv>): string | undefined {
  const authorization = c.req.header("authorization") ?? "";
  const [, scheme = "", credentials = ""] = /^(Bearer|Basic) +(.+)$/i.exec(authorization) ?? [];
  return c.req.header("x-api-key") ||
    (scheme === "" ? undefined : /^basic$/i.test(scheme) ? passwordIn(credentials) : credentials);
}

/** No key is empty: what is no credentials is a wrong key. */
const WRONG = "";

/** Whatever the user's name is. */
function passwordIn(credentials: string): string {
  try {
    const [, password = WRONG] = /^[^:]*:(.*)$/s.exec(atob(credentials.trim())) ?? [];
    return password;
  } catch {
    return WRONG;
  }
}
