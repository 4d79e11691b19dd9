import { Hono } from "hono";
import type { AppParts } from "../lib/app_parts.ts";
import { systemClock } from "../lib/clock.ts";
import { adminRoutes } from "./admin.ts";
import type { AppEnv } from "./app_env.ts";
import { InferRoute } from "./infer.ts";
import { manyRoutes } from "./batch.ts";
import { batchRoutes } from "./batches.ts";
import { coordinatorLogRoutes } from "./coordinator_log.ts";
import { coordinatorRoutes } from "./coordinators.ts";
import { eventRoutes } from "./events.ts";
import { fileRoutes } from "./files.ts";
import { identifyClient, requireScope } from "./middleware/authenticate.ts";
import { admitHosts, admitHostsWithoutKey } from "./middleware/hosts.ts";
import { identify } from "./middleware/identify.ts";
import { limitRequests } from "./middleware/limit_requests.ts";
import { noticeLeaving } from "./middleware/notice_leaving.ts";
import { renderErrors } from "./middleware/on_error.ts";
import { admitOrigins } from "./middleware/origins.ts";
import { unknownPath } from "./middleware/unknown_path.ts";
import { loadRoutes } from "./loads.ts";
import { nodeRoutes } from "./nodes.ts";
import { llamaServerRoutes } from "./llama_server.ts";
import { ollamaAliveRoutes } from "./ollama_alive.ts";
import { ollamaInferenceRoutes } from "./ollama_inference.ts";
import { ollamaListingRoutes } from "./ollama_listing.ts";
import { MANAGEMENT_PATHS, ollamaManagementRoutes } from "./ollama_management.ts";
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
  const { gateway, backends, nodes, batches, coordinators, plans, loads, metrics, logger, version } = parts;
  const { access, config } = parts;
  const app = new Hono<AppEnv>();
  const onError = renderErrors(logger, access.refusals);
  app.onError(onError);
  app.notFound(unknownPath());
  app.use(identify());
  app.use(identifyClient(access)); // before all that refuses, whose log tells strangers from clients
  app.use(limitRequests(config));
  const origins = () => config.origins;
  const hosts = { listensAs: () => config.listen.hostname, origins };
  app.use(admitHostsWithoutKey(hosts));
  for (const path of KNOWN_HOSTS_ONLY) app.use(path, admitHosts(hosts));
  app.use(admitOrigins(origins));
  app.use(noticeLeaving(parts.clients));

  app.route("/", statusRoutes(gateway, parts));
  app.route("/", ollamaAliveRoutes());
  app.route("/", openapiRoutes(version));

  app.use("/api/workers/*", requireScope(access, "worker"));
  app.route("/api/workers", workerRoutes(backends));

  app.use("/metrics", requireScope(access, "metrics"));
  if (metrics) app.route("/metrics", metricsRoutes(metrics));

  for (const path of ADMIN_PATHS) app.use(path, requireScope(access, "admin"));
  app.route("/api/admin", adminRoutes(backends));
  app.route("/api/admin", planRoutes(plans));
  app.route("/api/admin", loadRoutes(loads));
  app.route("/api/admin", nodeRoutes(nodes));
  app.route("/api/admin", routingRoutes(gateway));
  const settings = { closing: parts.closing, clock: systemClock };
  app.route("/api/admin", coordinatorLogRoutes(coordinators, settings));
  app.route("/api/admin", coordinatorRoutes(coordinators, settings));
  app.route("/api/admin", eventRoutes(coordinators, settings));
  const maxBodyBytes = () => config.limits.bodyBytes;
  app.route("/api", ollamaManagementRoutes(parts.management, { maxBodyBytes, clients: parts.clients }));

  app.use(requireScope(access, "inference"));
  const inference = new InferRoute(gateway, { maxBodyBytes, limits: access.limits });
  const { unloading, listing, show } = parts;
  app.route("/", ollamaInferenceRoutes({ inference, unloading, gateway, clock: systemClock }));
  app.route("/", llamaServerRoutes(inference, parts.loaded, gateway));
  app.route("/api", ollamaRoutes(gateway));
  app.route("/api", ollamaListingRoutes({ listing, show, gateway, maxBodyBytes }));
  app.route("/api", manyRoutes(batches, { ...settings, maxBodyBytes, gateway, limits: access.limits }));
  app.route("/v1", openaiRoutes(gateway, inference));
  app.route("/v1", anthropicRoutes(inference));
  app.route("/v1", fileRoutes(batches, { maxFileBytes: () => config.batch.fileBytes }));
  app.route("/v1", batchRoutes(batches));
  return app;
}

/** What only those may do who manage the gateway; they may do everything else, too. */
const ADMIN_PATHS: readonly string[] = ["/api/admin/*", ...MANAGEMENT_PATHS.map((path) => `/api${path}`)];

/** A browser may have a key for these, or needs none. */
const KNOWN_HOSTS_ONLY: readonly string[] = [...ADMIN_PATHS, "/docs", "/openapi.json"];
