import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../app_env.ts";

/** Gives each request its id and tells the client. */
export function identify(): MiddlewareHandler<AppEnv> {
  return async function identifyRequest(c, next) {
    c.set("requestId", crypto.randomUUID());
    await next();
    if (!c.res.headers.has("x-sollol-request-id")) c.header("x-sollol-request-id", c.get("requestId"));
  };
}
