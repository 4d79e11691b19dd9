import { Hono } from "hono";
import type { AppParts } from "../lib/app_parts.ts";
import { may } from "../lib/auth/client.ts";
import type { Gateway } from "../lib/gateway.ts";
import type { GatewayMetrics } from "../lib/metrics/gateway_metrics.ts";
import type { AppEnv } from "./app_env.ts";
import { allow } from "./middleware/allow.ts";
import { clientOf } from "./middleware/authenticate.ts";

/** That it runs, for everybody; how it is, for those who may measure it. Mounted at `/`. */
export function statusRoutes(
  gateway: Gateway,
  { version, restartNeeded = () => undefined }: Pick<AppParts, "version" | "restartNeeded">,
): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.get("/health", (c) => {
    // Rpc backends have no authentication of their own: not everybody is told where they are.
    const details = may(clientOf(c), "metrics") ? { ...gateway.health, restartNeeded: restartNeeded() } : {};
    return c.json({ status: "ok", version, ...details });
  });
  routes.all("/health", allow("GET"));
  return routes;
}

/** Prometheus' view. Mounted at `/metrics`. */
export function metricsRoutes(metrics: GatewayMetrics): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.get("/", (c) => c.body(metrics.render(), 200, { "content-type": metrics.contentType }));
  routes.all("/", allow("GET"));
  return routes;
}
