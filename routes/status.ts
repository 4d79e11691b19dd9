import { Hono } from "hono";
import type { Gateway } from "../lib/gateway.ts";
import type { GatewayMetrics } from "../lib/metrics/gateway_metrics.ts";
import type { AppEnv } from "./app_env.ts";
import type { KeyRing } from "./middleware/authenticate.ts";
import { allow } from "./middleware/allow.ts";

/** That it runs, for everybody; how it is, for those who may use it. Mounted at `/`. */
export function statusRoutes(
  gateway: Gateway,
  { version, keys }: { version: string; keys: KeyRing },
): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  // Rpc backends have no authentication of their own: who may not use the gateway is not told where they are.
  routes.get("/health", (c) => c.json({ status: "ok", version, ...(keys.admits(c) ? gateway.health : {}) }));
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
