import type { Handler } from "hono";
import type { AppEnv } from "../app_env.ts";

/** Sends who writes a slash too much to where the path ends without one, as Ollama does. */
export function withoutSlash(): Handler<AppEnv> {
  return function redirectToPath(c) {
    const { pathname, search } = new URL(c.req.url);
    return c.redirect(pathname.replace(/\/+$/, "") + search, c.req.method === "GET" ? 301 : 307);
  };
}
