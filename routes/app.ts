import { Hono } from "hono";
import type { AppParts } from "../lib/app_parts.ts";
import { systemClock } from "../lib/clock.ts";
import { GatewayError } from "../lib/errors.ts";
import { adminRoutes } from "./admin.ts";
import type { AppEnv } from "./app_env.ts";
import { InferRoute } from "./infer.ts";
import { manyRoutes } from "./batch.ts";
import { batchRoutes } from "./batches.ts";
import { coordinatorLogRoutes } from "./coordinator_log.ts";
import { coordinatorRoutes } from "./coordinators.ts";
import { eventRoutes } from "./events.ts";
import { fileRoutes } from "./files.ts";
import { authenticate, KeyRing } from "./middleware/authenticate.ts";
import { identify } from "./middleware/identify.ts";
import { noticeLeaving } from "./middleware/notice_leaving.ts";
import { renderErrors } from "./middleware/on_error.ts";
import { loadRoutes } from "./loads.ts";
import { nodeRoutes } from "./nodes.ts";
import { llamaServerRoutes } from "./llama_server.ts";
import { ollamaAliveRoutes } from "./ollama_alive.ts";
import { ollamaInferenceRoutes } from "./ollama_inference.ts";
import { ollamaListingRoutes } from "./ollama_listing.ts";
import { ollamaManagementRoutes } from "./ollama_management.ts";
import { openapiRoutes } from "./openapi.ts";
import { anthropicRoutes } from "./anthropic.ts";
import { ollamaRoutes } from "./ollama.ts";
import { openaiRoutes } from "./openai.ts";
import { planRoutes } from "./plan.ts";
import { routingRoutes } from "./routing.ts";
import { metricsRoutes, statusRoutes } from "./status.ts";
import { workerRoutes } from "./workers.ts";

/** The whole HTTP surface as one fetch handler. */
export function createApp(parts: AppParts): Hono<AppEnv> {
  const { gateway, backends, nodes, batches, coordinators, plans, loads, metrics, logger, config, version } =
    parts;
  const app = new Hono<AppEnv>();
  const onError = renderErrors(logger);
  const keys = new KeyRing(() => config.apiKeys.reveal());
  app.onError(onError);
  app.notFound((c) => {
    const message =
      `There is no ${c.req.path} here; chat is at /v1/chat/completions, models are at /v1/models`;
    return onError(new GatewayError("not_found", message), c);
  });
  app.use(identify());
  app.use(noticeLeaving(parts.clients));
  app.route("/", statusRoutes(gateway, { version, keys }));
  app.route("/", ollamaAliveRoutes());
  app.route("/", openapiRoutes(version));
  app.route("/api/workers", workerRoutes(backends, { token: () => config.workerToken?.reveal(), keys }));
  app.use(authenticate(keys));
  app.route("/api/admin", adminRoutes(backends));
  app.route("/api/admin", planRoutes(plans));
  app.route("/api/admin", loadRoutes(loads));
  app.route("/api/admin", nodeRoutes(nodes));
  app.route("/api/admin", routingRoutes(gateway));
  const settings = { closing: parts.closing, clock: systemClock };
  app.route("/api/admin", coordinatorLogRoutes(coordinators, settings));
  app.route("/api/admin", coordinatorRoutes(coordinators, settings));
  app.route("/api/admin", eventRoutes(coordinators, settings));
  if (metrics) app.route("/metrics", metricsRoutes(metrics));
  const maxBodyBytes = () => config.limits.bodyBytes;
  const inference = new InferRoute(gateway, { maxBodyBytes });
  app.route("/", ollamaInferenceRoutes({ inference, unloading: parts.unloading, clock: systemClock }));
  app.route("/", llamaServerRoutes(inference, parts.loaded));
  app.route("/api", ollamaRoutes(gateway));
  app.route("/api", ollamaListingRoutes({ listing: parts.listing, show: parts.show, maxBodyBytes }));
  app.route("/api", ollamaManagementRoutes(parts.management, { maxBodyBytes, clients: parts.clients }));
  app.route("/api", manyRoutes(batches, { ...settings, maxBodyBytes }));
  app.route("/v1", openaiRoutes(gateway, inference));
  app.route("/v1", anthropicRoutes(gateway, { maxBodyBytes }));
  app.route("/v1", fileRoutes(batches, { maxFileBytes: () => config.batch.fileBytes }));
  app.route("/v1", batchRoutes(batches));
  return app;
}
