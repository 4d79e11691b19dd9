import { Hono } from "hono";
import { GatewayError } from "../lib/errors.ts";
import type { Gateway } from "../lib/gateway.ts";
import type { Logger } from "../lib/log.ts";
import type { GatewayMetrics } from "../lib/metrics/gateway_metrics.ts";
import type { AppEnv } from "./app_env.ts";
import { authenticate } from "./middleware/authenticate.ts";
import { identify } from "./middleware/identify.ts";
import { errorResponse, renderErrors } from "./middleware/on_error.ts";
import { openaiRoutes } from "./openai.ts";
import { metricsRoutes, statusRoutes } from "./status.ts";

/** What {@linkcode createApp} mounts. */
export interface AppParts {
  gateway: Gateway;
  /** Not given: `/metrics` is not served. */
  metrics: GatewayMetrics | undefined;
  logger: Logger;
  apiKeys: readonly string[];
  maxBodyBytes: number;
  version: string;
}

/** The whole HTTP surface as one fetch handler. */
export function createApp(parts: AppParts): Hono<AppEnv> {
  const { gateway, metrics, logger, apiKeys, maxBodyBytes, version } = parts;
  const app = new Hono<AppEnv>();
  app.onError(renderErrors(logger));
  app.notFound((c) => {
    const message =
      `There is no ${c.req.path} here; chat is at /v1/chat/completions, models are at /v1/models`;
    return errorResponse(c, new GatewayError("not_found", message), c.get("requestId"));
  });
  app.use(identify());
  app.route("/", statusRoutes(gateway, { version }));
  app.use(authenticate(apiKeys));
  if (metrics) app.route("/metrics", metricsRoutes(metrics));
  app.route("/v1", openaiRoutes(gateway, { maxBodyBytes }));
  return app;
}
