import { Hono } from "hono";
import type { Gateway } from "../lib/gateway.ts";
import type { GatewayMetrics } from "../lib/metrics/gateway_metrics.ts";
import type { AppEnv } from "./app_env.ts";
import { allow } from "./middleware/allow.ts";

/** What a monitor or a curious person may know without a key: that it runs, and what it is. Mounted at `/`. */
export function statusRoutes(gateway: Gateway, { version }: { version: string }): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.get(
    "/",
    (c) =>
      c.json({
        name: "sollol",
        version,
        chat: "/v1/chat/completions",
        models: "/v1/models",
        health: "/health",
      }),
  );
  routes.all("/", allow("GET"));
  routes.get("/health", (c) => c.json({ status: "ok", version, ...gateway.health }));
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
