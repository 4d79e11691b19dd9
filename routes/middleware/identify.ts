import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../app_env.ts";

/** Gives each request its id. Whoever answers tells it to the client, in {@linkcode REQUEST_ID_HEADER}. */
export function identify(): MiddlewareHandler<AppEnv> {
  return function identifyRequest(c, next) {
    c.set("requestId", crypto.randomUUID());
    return next();
  };
}

/** Names the request in every answer; the log has the same id. */
export const REQUEST_ID_HEADER = "x-sollol-request-id";
