import type { MiddlewareHandler } from "hono";
import type { ClientWatch } from "../../lib/client_watch.ts";
import type { AppEnv } from "../app_env.ts";

/** Lets handlers know, by `left`, when their client has gone; a stream may have it watched further, by `keepWatching`. */
export function noticeLeaving(clients: Pick<ClientWatch, "watch">): MiddlewareHandler<AppEnv> {
  return async function noticeClientLeaving(c, next) {
    const { remoteAddr } = c.env ?? {};
    using watch = new DisposableStack();
    const { signal } = watch.use(clients.watch(remoteAddr?.transport === "tcp" ? remoteAddr : undefined));
    c.set("left", AbortSignal.any([c.req.raw.signal, signal]));
    c.set("keepWatching", () => {
      const kept = watch.move();
      return { signal, [Symbol.dispose]: () => kept.dispose() };
    });
    await next();
  };
}
