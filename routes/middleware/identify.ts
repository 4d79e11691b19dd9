import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../app_env.ts";

/** Gives each request its id and tells the client. */
export function identify(): MiddlewareHandler<AppEnv> {
  return async function identifyRequest(c, next) {
    const requestId = crypto.randomUUID();
    c.set("requestId", requestId);
    c.header("x-sollol-request-id", requestId); // for answers made by `c`; ready-made ones carry it themselves
    await next();
  };
}
