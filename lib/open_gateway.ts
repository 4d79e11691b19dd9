import { join } from "node:path";
import type { BackendAdmin } from "./backend_admin.ts";
import { EventBus } from "./bus.ts";
import { systemClock } from "./clock.ts";
import type { LiveConfig } from "./config/live_config.ts";
import type { Environment } from "./config/environment.ts";
import type { CoordinatorAdmin, GatewayEvent } from "./coordinator_admin.ts";
import { CoordinatorService } from "./coordinator_service.ts";
import { ExternalCoordinators } from "./coordinator/external_coordinators.ts";
import { externalSettings } from "./coordinator/external_settings.ts";
import { Journals } from "./coordinator/journal.ts";
import { toLoadRecord } from "./coordinator/loaded_model.ts";
import { ModelPlanner, PLAN_FRESH_MS } from "./coordinator/model_planner.ts";
import type { ServingCoordinator } from "./coordinator/serving.ts";
import {
  mayStartElsewhere,
  shardedModel,
  type ShardedModelOptions,
  tellingError,
} from "./coordinator/sharded_model.ts";
import { Gateway } from "./gateway.ts";
import { HttpClient } from "./http/client.ts";
import type { Logger } from "./log.ts";
import { GatewayMetrics } from "./metrics/gateway_metrics.ts";
import { chooseModelRoots } from "./ollama/model_roots.ts";
import { ModelStore } from "./ollama/storage.ts";
import { type OpenBackends, openBackends } from "./open_backends.ts";
import { isCalled, PlanService } from "./plan_service.ts";
import { CoordinatorPool } from "./pool/pool.ts";
import { poolSettings } from "./pool_settings.ts";
import { Prewarm } from "./prewarm.ts";
import { stopLeftovers } from "./process/leftovers.ts";
import { ProcessRecorder } from "./process/process_recorder.ts";
import { ModelCatalog } from "./router/catalog.ts";
import { Upstreams } from "./router/upstreams.ts";
import type { BackendView } from "./rpc/backend.ts";
import { BackendStore } from "./store/backend_store.ts";
import { GgufHeaderCache } from "./store/gguf_header_cache.ts";
import { LoadStore } from "./store/load_store.ts";
import { RunningStore } from "./store/running_store.ts";
import { untilAborted } from "./until_aborted.ts";
import { openDatabase } from "./store/open_database.ts";

/** A gateway with all that it is made of; disposing it stops its coordinators and closes every connection. */
export interface OpenGateway extends AsyncDisposable {
  /** Ready to be asked. */
  readonly gateway: Gateway;
  /** Takes what operators and workers say of rpc backends. */
  readonly backends: BackendAdmin;
  /** Takes what operators say of coordinators. */
  readonly coordinators: CoordinatorAdmin;
  /** Plans without loading. */
  readonly plans: PlanService;
  /** What earlier loads took. */
  readonly loads: LoadStore;
  /** Counts what this gateway does. */
  readonly metrics: GatewayMetrics;
}

/** What {@linkcode openGateway} is given. */
export interface OpenGatewayOptions {
  /** For all parts. */
  readonly logger: Logger;
  /** Where model stores and llama.cpp are looked for. */
  readonly env: Environment;
  /** Gets what happens; default: one of its own. */
  readonly events?: EventBus<GatewayEvent> | undefined;
  /** Ends the opening; nothing is left then. */
  readonly signal?: AbortSignal | undefined;
}

/** Name of the file in the state directory. */
const DATABASE_FILE = "sollol.db";

/** Builds the object graph of a gateway. It listens nowhere yet. @throws The signal's reason. */
export async function openGateway(
  live: LiveConfig,
  { logger, env, events = new EventBus(), signal = NEVER }: OpenGatewayOptions,
): Promise<OpenGateway> {
  await using owned = new AsyncDisposableStack();
  const { config } = live;
  const http = owned.use(new HttpClient({ limits: { headBytes: config.limits.headerBytes } }));
  const database = owned.use(openDatabase(join(config.stateDir, DATABASE_FILE), { logger }));
  const running = new RunningStore(database, { logger });
  await stopLeftoversOf(running, { logger, signal }); // first: they hold rpc backends
  const loads = new LoadStore(database, { logger });
  const store = new BackendStore(database, { logger });
  const backends = openBackends(config, {
    store,
    logger,
    env,
    owned,
    onEvent: ({ endpoint, to: health, reason }) =>
      events.publish({ at: now(), type: "backend", endpoint, health, reason }),
  });
  const { registry, sources, refusedMemory } = backends;
  const roots = await chooseModelRoots({ configured: config.models, env, logger });
  const externals = owned.use(new ExternalCoordinators(externalSettings(config), { http, logger }));
  await Promise.race([externals.start(), untilAborted(signal)]);
  signal.throwIfAborted();
  const catalog = new ModelCatalog(new ModelStore({ roots, logger }), externals);
  const planner = new ModelPlanner(config, new GgufHeaderCache(), loads);
  const journals = new Journals();
  const metrics = new GatewayMetrics({ backends: () => registry.views(), coordinators: () => pool.views() });
  const settings = () => poolSettings(config, (model) => catalog.keyOf(model));
  const pool = owned.use(
    new CoordinatorPool<ServingCoordinator>({
      logger,
      settings: settings(),
      onEvent: (event) => {
        metrics.happened(event);
        events.publish({ at: now(), ...event });
      },
      mayRetry: mayStartElsewhere,
      chooseError: tellingError,
    }),
  );
  const options: ShardedModelOptions = {
    config,
    optionsChanged: () => live.loadSettingsChanged,
    env,
    http,
    logger,
    registry,
    planner,
    refusedMemory,
    journals,
    recorder: new ProcessRecorder(running),
    onLoaded: (loaded) => void loads.recordLoad(toLoadRecord(loaded)),
  };
  const upstreams = new Upstreams({
    config,
    catalog,
    pool,
    externals,
    backends: registry,
    toWanted: (model) => shardedModel(model, options),
  });
  const gateway = new Gateway({
    config,
    upstreams,
    catalog,
    pool,
    externals,
    backends: sources,
    http,
    clock: systemClock,
    logger,
    metrics,
  });
  const coordinators = new CoordinatorService({
    pool,
    journals,
    bus: events,
    keyOf: (model) => catalog.keyOf(model),
    wantedOf: (model, signal) => upstreams.wantedOf(model, signal),
  });
  const follow = (): void => {
    pool.apply(settings());
    sources.configure(config.rpcBackends);
    registry.setLimits({ trustMs: config.rpc.trustMs, probeTimeoutMs: config.timeouts.probeMs });
    void externals.apply(externalSettings(config));
  };
  owned.use(live.onChange(follow));
  follow(); // it may have changed since the parts were made
  owned.use(new Prewarm({ models: config.pool.prewarm, coordinators, logger }));
  const plans = openPlans(catalog, planner, backends);
  const lifetime = owned.move();
  return {
    gateway,
    backends: sources,
    coordinators,
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

/** Ends the coordinators of a gateway that was killed; those of one that lives are not touched. */
async function stopLeftoversOf(
  running: RunningStore,
  options: { readonly logger: Logger; readonly signal: AbortSignal },
): Promise<void> {
  for (const { process, isGone } of await stopLeftovers(running.list(), options)) {
    if (isGone) running.remove(process);
  }
}

const NEVER: AbortSignal = new AbortController().signal;

function now(): string {
  return new Date(systemClock.now()).toISOString();
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
