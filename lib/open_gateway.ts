import { join } from "node:path";
import type { BackendAdmin } from "./backend_admin.ts";
import { systemClock } from "./clock.ts";
import type { Config } from "./config/config.ts";
import type { Environment } from "./config/environment.ts";
import { CoordinatorSwitch } from "./coordinator/coordinator_switch.ts";
import { ExternalCoordinator } from "./coordinator/external.ts";
import { refuseMisfit } from "./coordinator/fit_check.ts";
import { toLoadRecord } from "./coordinator/loaded_model.ts";
import { ModelPlanner, PLAN_FRESH_MS } from "./coordinator/model_planner.ts";
import { ShardedCoordinator, type ShardedStartOptions } from "./coordinator/sharded_coordinator.ts";
import { Gateway, type GatewayParts } from "./gateway.ts";
import { HttpClient } from "./http/client.ts";
import type { Logger } from "./log.ts";
import { GatewayMetrics } from "./metrics/gateway_metrics.ts";
import { chooseModelRoots } from "./ollama/model_roots.ts";
import { ModelStore } from "./ollama/storage.ts";
import { type OpenBackends, openBackends } from "./open_backends.ts";
import { isCalled, PlanService } from "./plan_service.ts";
import { ModelCatalog } from "./router/catalog.ts";
import type { BackendView } from "./rpc/backend.ts";
import { BackendStore } from "./store/backend_store.ts";
import { GgufHeaderCache } from "./store/gguf_header_cache.ts";
import { LoadStore } from "./store/load_store.ts";
import { openDatabase } from "./store/open_database.ts";

/** A gateway with all that it is made of; disposing it stops its coordinator and closes every connection. */
export interface OpenGateway extends AsyncDisposable {
  /** Ready to be asked. */
  readonly gateway: Gateway;
  /** Takes what operators and workers say of rpc backends. */
  readonly backends: BackendAdmin;
  /** Plans without loading. */
  readonly plans: PlanService;
  /** What earlier loads took. */
  readonly loads: LoadStore;
  /** Counts what this gateway does. */
  readonly metrics: GatewayMetrics;
}

/** Name of the file in the state directory. */
const DATABASE_FILE = "sollol.db";

/** Builds the object graph of a gateway. It listens nowhere yet. */
export async function openGateway(
  config: Config,
  { logger, env }: { logger: Logger; env: Environment },
): Promise<OpenGateway> {
  await using owned = new AsyncDisposableStack();
  const http = owned.use(new HttpClient({ limits: { headBytes: config.limits.headerBytes } }));
  const database = owned.use(openDatabase(join(config.stateDir, DATABASE_FILE), { logger }));
  const loads = new LoadStore(database, { logger });
  const store = new BackendStore(database, { logger });
  const backends = openBackends(config, { store, logger, env, owned });
  const { registry, sources, refusedMemory } = backends;
  const roots = await chooseModelRoots({ configured: config.models, env, logger });
  const external = await openExternal(config, http);
  const catalog = new ModelCatalog(new ModelStore({ roots, logger }), external);
  const planner = new ModelPlanner(config, new GgufHeaderCache(), loads);
  const metrics = new GatewayMetrics(() => registry.views());
  const gateway = new Gateway({
    settings: {
      defaultModel: config.model,
      shardingEnabled: config.modelShardingEnabled,
      connectTimeoutMs: config.timeouts.connectMs,
    },
    catalog,
    coordinators: owned.use(new CoordinatorSwitch({ logger, maxWaitMs: config.limits.queueWaitMs })),
    ...coordinatorParts(backends, {
      config,
      env,
      http,
      logger,
      registry,
      planner,
      refusedMemory,
      onLoaded: (loaded) => void loads.recordLoad(toLoadRecord(loaded)),
    }),
    external,
    http,
    clock: systemClock,
    logger,
    metrics,
  });
  const plans = openPlans(catalog, planner, backends);
  const lifetime = owned.move();
  return {
    gateway,
    backends: sources,
    plans,
    loads,
    metrics,
    async [Symbol.asyncDispose]() {
      gateway.close();
      http[Symbol.dispose](); // first: a llama-server does not stop before the last client of its streams has left
      await lifetime.disposeAsync();
    },
  };
}

/** What a gateway has a model loaded with. */
function coordinatorParts(
  { sources, learnOwnVersion }: OpenBackends,
  options: ShardedStartOptions,
): Pick<GatewayParts, "backends" | "startCoordinator" | "refuseMisfit"> {
  const { planner, registry } = options;
  const views = () => sources.listBackends();
  const build = async () => (await learnOwnVersion())?.build;
  const refresh = (signal: AbortSignal) => registry.refresh({ olderThanMs: PLAN_FRESH_MS, signal });
  return {
    backends: {
      views,
      get size() {
        return registry.size;
      },
    },
    startCoordinator: (model, signal) => ShardedCoordinator.start(model, options, signal),
    refuseMisfit: (model, signal) => refuseMisfit(model, { planner, views, build, refresh }, signal),
  };
}

/** The `llama-server` that somebody else runs; one that does not answer now may do so later. */
async function openExternal(
  { coordinatorUrl: url, model }: Config,
  http: HttpClient,
): Promise<ExternalCoordinator | undefined> {
  if (url === undefined) return undefined;
  const external = new ExternalCoordinator({ url, http, modelName: model });
  await external.refresh();
  return external;
}

function openPlans(
  catalog: ModelCatalog,
  planner: ModelPlanner,
  { registry, sources, learnOwnVersion }: OpenBackends,
): PlanService {
  return new PlanService({
    resolve: (name, signal) => catalog.resolve(name, signal),
    backends: async (endpoints, signal) => {
      await registry.refresh({ olderThanMs: PLAN_FRESH_MS, ...(endpoints && { endpoints }), signal });
      const isWanted = (view: BackendView) => endpoints?.some((name) => isCalled(view, name)) ?? true;
      return sources.listBackends().filter(isWanted);
    },
    build: async () => (await learnOwnVersion())?.build,
    planner,
  });
}
