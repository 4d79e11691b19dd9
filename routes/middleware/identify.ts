import type { MiddlewareHandler } from "hono";
import type { ClientDialect } from "../../lib/dialects/client_dialect.ts";
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

/** The headers of an answer that name its request: ours, and the one in which Anthropic's SDKs look for it. */
export function requestIdHeaders(requestId: string, { name }: ClientDialect): Record<string, string> {
  return { [REQUEST_ID_HEADER]: requestId, ...(name === "anthropic" && { "request-id": requestId }) };
}
