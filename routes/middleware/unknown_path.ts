import type { NotFoundHandler } from "hono";
import { GatewayError } from "../../lib/errors.ts";
import type { AppEnv } from "../app_env.ts";

/**
 * For paths that are not served. Whoever wrote a slash too much, as clients do whose base URL ends with one, is sent to the
 * path without it, as Ollama does; anybody else is told what there is.
 */
export function unknownPath(): NotFoundHandler<AppEnv> {
  return function redirectOrRefuse(c) {
    const { pathname, search } = new URL(c.req.url);
    const tidy = pathname.replaceAll(/\/{2,}/g, "/").replace(/(?<=.)\/$/, "");
    if (tidy !== pathname) return c.redirect(tidy + search, c.req.method === "GET" ? 301 : 307);
    const message =
      `There is no ${c.req.path} here; chat is at /v1/chat/completions, models are at /v1/models; /docs lists all`;
    throw new GatewayError("not_found", message);
  };
}
