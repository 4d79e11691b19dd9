import type { MiddlewareHandler } from "hono";
import type { ClientWatch } from "../../lib/client_watch.ts";
import type { AppEnv } from "../app_env.ts";

/** Lets handlers know, by `left`, when their client has gone. */
export function noticeLeaving(clients: Pick<ClientWatch, "watch">): MiddlewareHandler<AppEnv> {
  return async function noticeClientLeaving(c, next) {
    const { remoteAddr } = c.env ?? {};
    using client = clients.watch(remoteAddr?.transport === "tcp" ? remoteAddr : undefined);
    c.set("left", AbortSignal.any([c.req.raw.signal, client.signal]));
    await next();
  };
}
