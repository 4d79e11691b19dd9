import type { Context } from "hono";
import type { AppEnv } from "./app_env.ts";

/** Aborts when the client of a request has gone: as soon as the server notices, or who watches clients that wait. */
export function leftOf(c: Context<AppEnv>): AbortSignal {
  return c.get("left") ?? c.req.raw.signal;
}
