import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../app_env.ts";

/** Declares JSON as Ollama does, also that of errors. Streams keep their type. */
export function ollamaCharset(): MiddlewareHandler<AppEnv> {
  return async function declareCharset(c, next) {
    await next(); // errors are answers by then
    if (c.res.headers.get("content-type") !== "application/json") return;
    c.res.headers.set("content-type", "application/json; charset=utf-8");
  };
}
