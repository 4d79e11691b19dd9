import { ClientAccess } from "../../../lib/auth/client_access.ts";
import { ClientWatch } from "../../../lib/client_watch.ts";
import { systemClock } from "../../../lib/clock.ts";
import type { Config } from "../../../lib/config/config.ts";
import { mergeConfig } from "../../../lib/config/merge.ts";
import { parseConfigFile } from "../../../lib/config/yaml_file.ts";
import { ExternalCoordinators } from "../../../lib/coordinator/external_coordinators.ts";
import { externalSettings } from "../../../lib/coordinator/external_settings.ts";
import type { ServingCoordinator } from "../../../lib/coordinator/serving.ts";
import type { ModelToFind } from "../../../lib/coordinator/sharded_model.ts";
import { Gateway, type GatewayParts } from "../../../lib/gateway.ts";
import type { UpstreamAddress } from "../../../lib/http/address.ts";
import { HttpClient } from "../../../lib/http/client.ts";
import { createLogger } from "../../../lib/log.ts";
import { GatewayMetrics } from "../../../lib/metrics/gateway_metrics.ts";
import type { ResolvedModel } from "../../../lib/ollama/resolved_model.ts";
import type { NodeRegistry } from "../../../lib/nodes/node_registry.ts";
import type { NodeSettings } from "../../../lib/nodes/node_settings.ts";
import { ModelManagement } from "../../../lib/model_management/model_management.ts";
import { ModelStore } from "../../../lib/ollama/storage.ts";
import { OllamaListing } from "../../../lib/ollama_listing.ts";
import { CoordinatorPool } from "../../../lib/pool/pool.ts";
import type { Wanted } from "../../../lib/pool/pooled.ts";
import { poolSettings } from "../../../lib/pool_settings.ts";
import { ModelCatalog } from "../../../lib/router/catalog.ts";
import { DecisionLog } from "../../../lib/router/decision_log.ts";
import { LoadedLook } from "../../../lib/router/loaded_look.ts";
import { RouteFacts } from "../../../lib/router/route_facts.ts";
import { Upstreams } from "../../../lib/router/upstreams.ts";
import { ModelShow } from "../../../lib/show_model.ts";
import { GgufHeaderCache } from "../../../lib/store/gguf_header_cache.ts";
import { ModelUnloader } from "../../../lib/unload_model.ts";
import { createApp } from "../../../routes/app.ts";
import { parseEndpoint } from "../../../lib/rpc/endpoint.ts";
import { FakeBackendAdmin } from "../../fakes/fake_backend_admin.ts";
import { FakeCoordinatorAdmin } from "../../fakes/fake_coordinator_admin.ts";
import { FakeBatchService } from "../../fakes/fake_batch_service.ts";
import { FakeNodeAdmin } from "../../fakes/fake_node_admin.ts";
import { type Behaviour, FakeLlamaServer } from "../../fakes/fake_llama_server.ts";
import { RoutingBed } from "../../fixtures/routing_bed.ts";
import { servedModel } from "../../fixtures/served_model.ts";
import { ggufBytes, OllamaStoreFixture } from "../../fixtures/ollama_store.ts";

/** A coordinator whose process is the fake; its death is what the test says. */
export class FakeCoordinator implements ServingCoordinator {
  readonly #dead = new AbortController();
  readonly #gone = new AbortController();
  readonly upstream: string;
  readonly headers = [["authorization", "Bearer own-secret"]] as const;
  readonly because = "9 layers over fake backends";
  readonly placement = { devices: [], hostModelBytes: 0, because: this.because };
  readonly endpoints: readonly string[] = [];
  readonly slotCount: number = 64;
  readonly contextSize = 4_096;
  readonly tokensPerSecond = 0;
  readonly pid = 1;
  readonly address: UpstreamAddress;
  readonly served = servedModel({ name: "fake" });

  constructor(readonly key: string, readonly server: FakeLlamaServer) {
    this.upstream = `coordinator of ${key.split("/").at(-1)}`;
    this.address = server.address;
  }

  get dead(): AbortSignal {
    return this.#dead.signal;
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** The process ends: its connections break, and after a while it is known why. */
  async die(why: string, { explainedAfterMs = 0 } = {}): Promise<void> {
    this.#dead.abort();
    await this.server[Symbol.asyncDispose]();
    if (explainedAfterMs > 0) await new Promise((resolve) => setTimeout(resolve, explainedAfterMs));
    this.#gone.abort(new Error(why));
  }

  async stop(): Promise<void> {
    if (!this.#dead.signal.aborted) return await this.die("stopped");
    if (this.#gone.signal.aborted) return;
    await new Promise((resolve) => this.#gone.signal.addEventListener("abort", resolve, { once: true }));
  }
}

/** What a {@linkcode GatewayBed} is made with. */
export interface GatewayBedOptions {
  models?: string[];
  rpcBackends?: string[];
  /** Instead of `rpcBackends`, which nobody probes. */
  registry?: GatewayParts["backends"];
  /** Ollama nodes; none by default. */
  nodes?: NodeSettings[];
  /** Of the operator, as a config file says it; on top of a small one. */
  config?: string;
  /** Throws for a model that fits nowhere. */
  refuseMisfit?: (model: ResolvedModel) => void;
  start?: (model: ResolvedModel, signal: AbortSignal) => Promise<FakeCoordinator>;
}

/** The whole gateway on a loopback port; only the coordinators are fake. */
export class GatewayBed implements AsyncDisposable {
  readonly logLines: Record<string, unknown>[] = [];
  readonly coordinators: FakeCoordinator[] = [];
  nodes!: NodeRegistry;
  gateway!: Gateway;
  access!: ClientAccess;
  /** Answers a request that comes over no connection, from this address. */
  fetch!: (request: Request, address: string) => Response | Promise<Response>;
  readonly #owned = new AsyncDisposableStack();
  url = "";

  static async open(options: GatewayBedOptions = {}): Promise<GatewayBed> {
    const bed = new GatewayBed();
    const store = bed.#owned.use(await OllamaStoreFixture.create());
    for (const name of options.models ?? ["fake"]) await store.addModel(name, ggufBytes(name));
    const http = bed.#owned.use(new HttpClient());
    const logger = createLogger({ sink: (line) => bed.logLines.push(JSON.parse(line)), level: "debug" });
    const metrics = new GatewayMetrics();
    const config = configOf(options.config ?? "");
    const modelStore = new ModelStore({ roots: [store.directory], logger });
    const externals = bed.#owned.use(new ExternalCoordinators(externalSettings(config), { http, logger }));
    await externals.start();
    const routing = bed.#owned.use(await RoutingBed.open(config, options.nodes, logger));
    bed.nodes = routing.nodes;
    const catalog = new ModelCatalog({
      store: modelStore,
      external: externals,
      nodes: routing.nodes,
      config,
    });
    // A listing in the background may be under way.
    bed.#owned.defer(async () => void await catalog.list().catch(() => {}));
    const settings = poolSettings(config, (model) => catalog.keyOf(model));
    const pool = bed.#owned.use(new CoordinatorPool<ServingCoordinator>({ logger, settings }));
    const backends = new FakeBackendAdmin();
    for (const endpoint of options.rpcBackends ?? ["127.0.0.2:50052"]) {
      await backends.addBackend(parseEndpoint(endpoint), {});
    }
    const known = options.registry ?? backends;
    const toWanted = (model: ModelToFind) => bed.#wanted(model, options);
    const { nodes, needs, room, slots } = routing;
    const facts = new RouteFacts({
      config,
      nodes,
      needs,
      backends: { views: () => known.listBackends() },
      pool,
      externals,
      catalog,
      clock: systemClock,
    });
    const upstreams = new Upstreams({ config, facts, catalog, slots, pool, externals, toWanted });
    const clock = systemClock;
    const parts = {
      config,
      upstreams,
      catalog,
      pool,
      externals,
      nodes,
      room,
      decisions: new DecisionLog(),
      backends: known,
      http,
      clock,
      logger,
      metrics,
    };
    bed.gateway = new Gateway(parts);
    const clients = bed.#owned.use(new ClientWatch({ clock }));
    bed.access = bed.#owned.use(new ClientAccess({ config, clock, logger }));
    const app = createApp({
      gateway: bed.gateway,
      access: bed.access,
      backends,
      nodes: new FakeNodeAdmin(),
      listing: new OllamaListing(parts),
      show: new ModelShow({ ...parts, headers: new GgufHeaderCache() }),
      unloading: new ModelUnloader(parts),
      loaded: new LoadedLook(parts),
      management: new ModelManagement({ ...parts, keyOf: (model) => catalog.keyOf(model) }),
      batches: new FakeBatchService(),
      coordinators: new FakeCoordinatorAdmin(),
      clients,
      closing: new AbortController().signal,
      loads: { recent: () => [] },
      plans: { plan: () => Promise.reject(new Error("nothing is planned here")) },
      metrics,
      logger,
      config,
      version: "0.0.0-test",
    });
    bed.fetch = (request, hostname) =>
      app.fetch(request, { remoteAddr: { transport: "tcp", hostname, port: 1 } });
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request, info) => app.fetch(request, info),
    );
    bed.#owned.defer(() => server.shutdown());
    clients.servesAt(server.addr.port);
    bed.url = `http://127.0.0.1:${server.addr.port}`;
    return bed;
  }

  /** The fake behind the coordinator that was started last. */
  get upstream(): FakeLlamaServer {
    return this.coordinators.at(-1)!.server;
  }

  /** A fake coordinator of a model, remembered. */
  fake(key: string, usual?: Behaviour): FakeCoordinator {
    return this.#startFake(key, usual);
  }

  /** Posts a chat; `fields` go into the body beside a model and one message. */
  chat(fields: Record<string, unknown> = {}, init: RequestInit = {}): Promise<Response> {
    const body = JSON.stringify({ model: "fake", messages: [{ role: "user", content: "hi" }], ...fields });
    return fetch(`${this.url}/v1/chat/completions`, { method: "POST", body, ...init });
  }

  /** The wide lines, one a request. */
  get requestLines(): Record<string, unknown>[] {
    return this.logLines.filter(({ message }) => message === "request");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }

  #wanted(
    { key, model, resolve }: ModelToFind,
    { refuseMisfit = () => {}, start = ({ key }) => Promise.resolve(this.#startFake(key)) }:
      GatewayBedOptions,
  ): Wanted<ServingCoordinator> {
    return {
      key,
      model,
      prepare: async (signal) => {
        const resolved = await resolve(signal);
        const place = () => {
          refuseMisfit(resolved);
          const started = (signal: AbortSignal) => start(resolved, signal);
          return { endpoints: [], because: "it fits there", start: started, [Symbol.dispose]: () => {} };
        };
        return { place, fitsWith: () => true };
      },
    };
  }

  #startFake(key: string, usual?: Behaviour): FakeCoordinator {
    const coordinator = new FakeCoordinator(key, new FakeLlamaServer(["fake"], usual));
    this.coordinators.push(coordinator);
    return coordinator;
  }
}

/** What is small enough for tests, and what the text of a config file says on top of it. */
function configOf(text: string): Config {
  const file = parseConfigFile(text, "config.yaml");
  return mergeConfig({ file, env: { SOLLOL_LIMITS_BODY: "1MiB", SOLLOL_STATE_DIR: "/nowhere" } }).config;
}
