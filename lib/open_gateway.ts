import { OwnerRights } from "./auth/owner.ts";
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
import { LocalHost } from "./coordinator/local_host.ts";
import { localModel, type LocalModelOptions } from "./coordinator/local_model.ts";
import { modelBySpread, type Spread, SpreadSetting } from "./coordinator/local_spread.ts";
import {
  mayStartElsewhere,
  type ModelToFind,
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
import { ModelManagement } from "./model_management/model_management.ts";
import type { ModelOrders } from "./model_management/model_order.ts";
import { RecordedOrders } from "./model_management/recorded_orders.ts";
import type { NodeAdmin } from "./node_admin.ts";
import { OllamaListing } from "./ollama_listing.ts";
import { ModelShow } from "./show_model.ts";
import { type OpenBackends, openBackends } from "./open_backends.ts";
import { refusedAddress } from "./net/refused_address.ts";
import { openNodes } from "./open_nodes.ts";
import { WaitingRoom } from "./queue/waiting_room.ts";
import { isCalled, PlanService } from "./plan_service.ts";
import { CoordinatorPool } from "./pool/pool.ts";
import { poolSettings } from "./pool_settings.ts";
import { Prewarm } from "./prewarm.ts";
import { sendTaskOver } from "./send_task.ts";
import { stopLeftovers } from "./process/leftovers.ts";
import { ProcessRecorder } from "./process/process_recorder.ts";
import { ModelCatalog } from "./router/catalog.ts";
import { DecisionLog } from "./router/decision_log.ts";
import { LoadedLook } from "./router/loaded_look.ts";
import { modeOf, RouteFacts } from "./router/route_facts.ts";
import { Upstreams } from "./router/upstreams.ts";
import type { BackendView } from "./rpc/backend.ts";
import { BackendStore } from "./store/backend_store.ts";
import { GgufHeaderCache } from "./store/gguf_header_cache.ts";
import { LoadStore } from "./store/load_store.ts";
import { NodeMemoryStore } from "./store/node_memory_store.ts";
import { NodeStore } from "./store/node_store.ts";
import { RunningStore } from "./store/running_store.ts";
import { ModelUnloader } from "./unload_model.ts";
import { untilAborted } from "./until_aborted.ts";
import { databasePath } from "./store/database_path.ts";
import { openDatabase } from "./store/open_database.ts";
import type { BatchService } from "./tasks/batch.ts";
import { Batches } from "./tasks/batches.ts";

/** A gateway with all that it is made of; disposing it stops its coordinators and closes every connection. */
export interface OpenGateway extends AsyncDisposable {
  /** Ready to be asked. */
  readonly gateway: Gateway;
  /** Takes what operators and workers say of rpc backends. */
  readonly backends: BackendAdmin;
  /** Takes what operators say of Ollama nodes. */
  readonly nodes: NodeAdmin;
  /** What nodes and coordinators have in memory, told as one Ollama's. */
  readonly listing: OllamaListing;
  /** Tells what is known of a model. */
  readonly show: ModelShow;
  /** Unloads models wherever they are in memory. */
  readonly unloading: ModelUnloader;
  /** Has the nodes pull, make and delete models. */
  readonly management: ModelOrders;
  /** Shows what the llama-servers tell that have their model loaded. */
  readonly loaded: LoadedLook;
  /** Keeps and runs what clients want done in the background. */
  readonly batches: BatchService;
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

/** Builds the object graph of a gateway. It listens nowhere yet. @throws The signal's reason. */
export async function openGateway(
  live: LiveConfig,
  { logger, env, events = new EventBus(), signal = NEVER }: OpenGatewayOptions,
): Promise<OpenGateway> {
  await using owned = new AsyncDisposableStack();
  const { config } = live;
  const limits = { headBytes: config.limits.headerBytes };
  const http = owned.use(new HttpClient({ limits, names: { refuses: refusedAddress } }));
  const database = owned.use(openDatabase(databasePath(config.stateDir), { logger }));
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
  const headers = new GgufHeaderCache();
  const room = new WaitingRoom(() => config.limits.queueCount);
  const nodes = openNodes(config, {
    store: new NodeStore(database, { logger }),
    memory: new NodeMemoryStore(database, { logger }),
    http,
    logger,
    env,
    owned,
    room,
    headers,
    backends: registry,
    onEvent: (event) => events.publish({ at: now(), type: "node", ...event }),
  });
  await Promise.race([Promise.all([externals.start(), nodes.start()]), untilAborted(signal)]);
  signal.throwIfAborted();
  const closing = new AbortController();
  owned.defer(() => closing.abort());
  const catalog = new ModelCatalog({
    store: new ModelStore({ roots, logger }),
    external: externals,
    nodes: nodes.registry,
    config,
  });
  void catalog.list().catch(() => {}); // so that the first decision knows what is stored; who lists it is told
  const planner = new ModelPlanner(config, headers, loads);
  const journals = new Journals();
  const metrics = new GatewayMetrics({
    backends: () => registry.views(),
    coordinators: () => pool.views(),
    nodes: () => nodes.registry.summaries(),
  });
  const settings = () => poolSettings(config, (model) => catalog.keyOf(model));
  const pool = owned.use(
    new CoordinatorPool<ServingCoordinator>({
      logger,
      settings: settings(),
      room,
      onEvent: (event) => {
        metrics.happened(event);
        events.publish({ at: now(), ...event });
      },
      mayRetry: mayStartElsewhere,
      chooseError: tellingError,
    }),
  );
  const spread = new SpreadSetting(spreadOf(config));
  const options: ShardedModelOptions & LocalModelOptions = {
    config,
    optionsChanged: () => AbortSignal.any([live.loadSettingsChanged, spread.changed]),
    env,
    http,
    logger,
    registry,
    planner,
    refusedMemory,
    host: new LocalHost(),
    journals,
    recorder: new ProcessRecorder(running),
    onLoaded: (loaded) => void loads.recordLoad(toLoadRecord(loaded)),
  };
  const ways = {
    rpc: (model: ModelToFind) => shardedModel(model, options),
    local: (model: ModelToFind) => localModel(model, options),
  };
  const upstreams = new Upstreams({
    config,
    facts: new RouteFacts({
      config,
      nodes: nodes.registry,
      needs: nodes.needs,
      backends: registry,
      pool,
      externals,
      catalog,
      clock: systemClock,
    }),
    catalog,
    slots: nodes.slots,
    pool,
    externals,
    learn: (model) => void nodes.needs.learnStored(model, closing.signal).catch(() => {}), // the gateway closed meanwhile
    toWanted: (model) => modelBySpread(model, spread, ways),
  });
  const gateway = new Gateway({
    config,
    upstreams,
    catalog,
    pool,
    externals,
    nodes: nodes.registry,
    room,
    decisions: new DecisionLog(),
    backends: sources,
    http,
    clock: systemClock,
    logger,
    metrics,
  });
  const modelParts = { nodes: nodes.registry, catalog, http, config, clock: systemClock };
  const coordinators = new CoordinatorService({
    pool,
    journals,
    bus: events,
    keyOf: (model) => catalog.keyOf(model),
    wantedOf: (model, signal) => upstreams.wantedOf(model, signal),
  });
  const follow = (): void => {
    spread.set(spreadOf(config));
    pool.apply(settings());
    nodes.line.settingsChanged();
    nodes.sources.configure(config);
    sources.configure(config.rpcBackends);
    registry.setLimits({ trustMs: config.rpc.trustMs, probeTimeoutMs: config.timeouts.probeMs });
    void externals.apply(externalSettings(config));
  };
  owned.use(live.onChange(follow));
  follow(); // it may have changed since the parts were made
  owned.use(new Prewarm({ models: config.pool.prewarm, coordinators, logger }));
  const plans = openPlans(catalog, planner, backends);
  const rights = new OwnerRights(config);
  const batches = owned.use(Batches.open({
    config,
    send: sendTaskOver(gateway, rights),
    requirePermitted: (model, owner) => gateway.requirePermitted(model, rights.accessOf(owner)),
    logger,
  }));
  const lifetime = owned.move();
  return {
    gateway,
    backends: sources,
    nodes: nodes.sources,
    listing: new OllamaListing({ ...modelParts, pool }),
    show: new ModelShow({ ...modelParts, headers }),
    unloading: new ModelUnloader({ ...modelParts, pool }),
    loaded: new LoadedLook({ ...modelParts, pool, externals }),
    management: new RecordedOrders({
      orders: new ModelManagement({ ...modelParts, keyOf: (model) => catalog.keyOf(model) }),
      logger,
      clock: systemClock,
    }),
    batches,
    coordinators,
    plans,
    loads,
    metrics,
    async [Symbol.asyncDispose]() {
      await batches[Symbol.asyncDispose](); // before what they are sent with: what is under way is asked again later
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

/** Without sharding and without nodes, one llama-server on this host is all that there is. */
function spreadOf(config: Parameters<typeof modeOf>[0]): Spread {
  return modeOf(config) === "single" ? "local" : "rpc";
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
