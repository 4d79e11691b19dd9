import { join } from "node:path";
import type { BackendAdmin } from "./backend_admin.ts";
import { BackendSources } from "./backend_sources.ts";
import { systemClock } from "./clock.ts";
import type { Config } from "./config/config.ts";
import type { Environment } from "./config/environment.ts";
import { CoordinatorSwitch } from "./coordinator/coordinator_switch.ts";
import { ExternalCoordinator } from "./coordinator/external.ts";
import { refuseMisfit } from "./coordinator/fit_check.ts";
import { ModelPlanner } from "./coordinator/model_planner.ts";
import { RefusedMemory } from "./coordinator/refused_memory.ts";
import { type LoadedModel, ShardedCoordinator } from "./coordinator/sharded_coordinator.ts";
import { Gateway } from "./gateway.ts";
import { HttpClient } from "./http/client.ts";
import { findLlamaCpp } from "./llama_cpp/find.ts";
import { ownVersionOf } from "./llama_cpp/own_version.ts";
import type { Logger } from "./log.ts";
import { GatewayMetrics } from "./metrics/gateway_metrics.ts";
import { chooseModelRoots } from "./ollama/model_roots.ts";
import { ModelStore } from "./ollama/storage.ts";
import { isCalled, PlanService } from "./plan_service.ts";
import { ModelCatalog } from "./router/catalog.ts";
import { parseEndpoint } from "./rpc/endpoint.ts";
import { RedisSource } from "./redis/source.ts";
import type { OwnVersion } from "./registry/health_ledger.ts";
import { BackendRegistry } from "./registry/backend_registry.ts";
import { BackendStore } from "./store/backend_store.ts";
import { openDatabase } from "./store/open_database.ts";
import { GgufHeaderCache } from "./store/gguf_header_cache.ts";
import type { LoadRecord } from "./store/load_rows.ts";
import { LoadStore } from "./store/load_store.ts";

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

/** What is known for longer is asked again before a plan: memory changes faster than health, ms. */
const PLAN_FRESH_MS = 2_000;

/** Builds the object graph of a gateway. It listens nowhere yet. */
export async function openGateway(
  config: Config,
  { logger, env }: { logger: Logger; env: Environment },
): Promise<OpenGateway> {
  await using owned = new AsyncDisposableStack();
  const http = owned.use(new HttpClient({ limits: { headBytes: config.limits.headerBytes } }));
  const database = owned.use(openDatabase(join(config.stateDir, DATABASE_FILE), { logger }));
  const loads = new LoadStore(database, { logger });
  const refusedMemory = new RefusedMemory({ clock: systemClock, trustMs: config.rpc.trustMs });
  const store = new BackendStore(database, { logger });
  const { registry, backends } = openBackends(config, store, refusedMemory, logger, owned);
  const learnOwnVersion = ownVersionLearner(config, env, registry, owned);
  const roots = await chooseModelRoots({ configured: config.models, env, logger });
  const external = config.coordinatorUrl === undefined
    ? undefined
    : new ExternalCoordinator({ url: config.coordinatorUrl, http, modelName: config.model });
  await external?.refresh();
  const planner = new ModelPlanner(config, new GgufHeaderCache(), loads);
  const onLoaded = (loaded: LoadedModel): void => void loads.recordLoad(toLoadRecord(loaded));
  const coordinators = owned.use(
    new CoordinatorSwitch<ShardedCoordinator>({ logger, maxWaitMs: config.limits.queueWaitMs }),
  );
  const metrics = new GatewayMetrics(() => registry.views());
  const catalog = new ModelCatalog(new ModelStore({ roots, logger }), external);
  const gateway = new Gateway({
    settings: {
      defaultModel: config.model,
      shardingEnabled: config.modelShardingEnabled,
      connectTimeoutMs: config.timeouts.connectMs,
    },
    catalog,
    coordinators,
    backends: {
      views: () => backends.listBackends(),
      get size() {
        return registry.size;
      },
    },
    startCoordinator: (model, signal) =>
      ShardedCoordinator.start(model, {
        config,
        env,
        http,
        logger,
        registry,
        planner,
        refusedMemory,
        onLoaded,
      }, signal),
    refuseMisfit: (model, signal) =>
      refuseMisfit(model, {
        planner,
        views: () => backends.listBackends(),
        refresh: (signal) => registry.refresh({ olderThanMs: PLAN_FRESH_MS, signal }),
      }, signal),
    external,
    http,
    clock: systemClock,
    logger,
    metrics,
  });
  const plans = new PlanService({
    resolve: (name, signal) => catalog.resolve(name, signal),
    backends: async (endpoints, signal) => {
      const age = { olderThanMs: PLAN_FRESH_MS };
      await registry.refresh({ ...age, ...(endpoints && { endpoints }), signal });
      return backends.listBackends().filter((view) =>
        endpoints?.some((name) => isCalled(view, name)) ?? true
      );
    },
    build: async () => (await learnOwnVersion())?.build,
    planner,
  });
  const lifetime = owned.move();
  return {
    gateway,
    backends,
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

/** Finds out what our llama-server is, so that backends of another version are known before the first load fails. */
function ownVersionLearner(
  config: Config,
  env: Environment,
  registry: BackendRegistry,
  owned: AsyncDisposableStack,
): () => Promise<OwnVersion | undefined> {
  const closing = new AbortController();
  const learn = async (): Promise<OwnVersion | undefined> => {
    const programs = await findLlamaCpp({ ...config.llamaCpp, env });
    const own = await ownVersionOf(programs, { signal: closing.signal });
    if (own) registry.setOwnVersion(own);
    return own;
  };
  const first = learn().catch(() => undefined); // the gateway closed meanwhile
  owned.defer(async () => {
    closing.abort();
    await first;
  });
  return learn;
}

/** The registry, and all that it is fed from. */
function openBackends(
  config: Config,
  store: BackendStore,
  refusedMemory: RefusedMemory,
  logger: Logger,
  owned: AsyncDisposableStack,
): { registry: BackendRegistry; backends: BackendSources } {
  const registry = owned.use(
    new BackendRegistry({
      logger,
      trustMs: config.rpc.trustMs,
      maxProbes: config.rpc.maxProbes,
      probeTimeoutMs: config.timeouts.probeMs,
    }),
  );
  const backends = new BackendSources({ registry, store, refusedMemory, configured: config.rpcBackends });
  if (config.redis) {
    const redis = owned.use(new RedisSource({ address: config.redis, logger }));
    redis.start((registered) =>
      backends.setRedisBackends(registered.map(({ endpoint }) => parseEndpoint(endpoint)))
    );
  }
  return { registry, backends };
}

/** What was estimated before earlier loads corrected it: corrections must not be drawn from corrected figures. */
function toLoadRecord({ placement, computeCorrection, ...load }: LoadedModel): LoadRecord {
  const devices = placement.devices.map((device) => {
    const { endpoint, deviceIndex, weightBytes, kvBytes, actual } = device;
    const computeBytes = Math.round(device.computeBytes / computeCorrection);
    return { endpoint, deviceIndex, estimated: { weightBytes, kvBytes, computeBytes }, actual };
  });
  return { ...load, devices };
}
