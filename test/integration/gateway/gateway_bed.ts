import { systemClock } from "../../../lib/clock.ts";
import { CoordinatorSwitch } from "../../../lib/coordinator/coordinator_switch.ts";
import { ExternalCoordinator } from "../../../lib/coordinator/external.ts";
import type { ServingCoordinator } from "../../../lib/coordinator/serving.ts";
import { Gateway, type GatewayParts } from "../../../lib/gateway.ts";
import { HttpClient } from "../../../lib/http/client.ts";
import { createLogger } from "../../../lib/log.ts";
import { GatewayMetrics } from "../../../lib/metrics/gateway_metrics.ts";
import type { ResolvedModel } from "../../../lib/ollama/resolved_model.ts";
import { ModelStore } from "../../../lib/ollama/storage.ts";
import { ModelCatalog } from "../../../lib/router/catalog.ts";
import { createApp } from "../../../routes/app.ts";
import { parseEndpoint } from "../../../lib/rpc/endpoint.ts";
import { FakeBackendAdmin } from "../../fakes/fake_backend_admin.ts";
import { type Behaviour, FakeLlamaServer } from "../../fakes/fake_llama_server.ts";
import { ggufBytes, OllamaStoreFixture } from "../../fixtures/ollama_store.ts";

/** A coordinator whose process is the fake; its death is what the test says. */
export class FakeCoordinator implements ServingCoordinator {
  readonly #dead = new AbortController();
  readonly #gone = new AbortController();
  readonly upstream: string;
  readonly headers = [["authorization", "Bearer own-secret"]] as const;
  readonly because = "9 layers over fake backends";
  readonly placement = { devices: [], hostModelBytes: 0, because: this.because };
  readonly address;

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
  apiKeys?: string[];
  maxBodyBytes?: number;
  coordinatorUrl?: string;
  rpcBackends?: string[];
  /** Instead of `rpcBackends`, which nobody probes. */
  registry?: GatewayParts["backends"];
  defaultModel?: string;
  refuseMisfit?: GatewayParts["refuseMisfit"];
  start?: (model: ResolvedModel, signal: AbortSignal) => Promise<FakeCoordinator>;
}

/** The whole gateway on a loopback port; only the coordinators are fake. */
export class GatewayBed implements AsyncDisposable {
  readonly logLines: Record<string, unknown>[] = [];
  readonly coordinators: FakeCoordinator[] = [];
  readonly #owned = new AsyncDisposableStack();
  url = "";

  static async open(options: GatewayBedOptions = {}): Promise<GatewayBed> {
    const bed = new GatewayBed();
    const store = bed.#owned.use(await OllamaStoreFixture.create());
    for (const name of options.models ?? ["fake"]) await store.addModel(name, ggufBytes(name));
    const http = bed.#owned.use(new HttpClient());
    const logger = createLogger({ sink: (line) => bed.logLines.push(JSON.parse(line)), level: "debug" });
    const metrics = new GatewayMetrics();
    const modelStore = new ModelStore({ roots: [store.directory], logger });
    const external = options.coordinatorUrl
      ? new ExternalCoordinator({ url: options.coordinatorUrl, http })
      : undefined;
    const catalog = new ModelCatalog(modelStore, external);
    await external?.refresh();
    const coordinators = bed.#owned.use(new CoordinatorSwitch<ServingCoordinator>({ logger }));
    const backends = new FakeBackendAdmin();
    for (const endpoint of options.rpcBackends ?? ["127.0.0.2:50052"]) {
      await backends.addBackend(parseEndpoint(endpoint), {});
    }
    const parts: GatewayParts = {
      settings: {
        defaultModel: options.defaultModel,
        shardingEnabled: true,
        connectTimeoutMs: 2_000,
      },
      catalog,
      coordinators,
      backends: options.registry ??
        { views: () => backends.listBackends(), size: backends.listBackends().length },
      startCoordinator: options.start ?? ((model) => Promise.resolve(bed.#startFake(model.key))),
      refuseMisfit: options.refuseMisfit ?? (() => Promise.resolve()),
      external,
      http,
      clock: systemClock,
      logger,
      metrics,
    };
    const app = createApp({
      gateway: new Gateway(parts),
      backends,
      loads: { recent: () => [] },
      plans: { plan: () => Promise.reject(new Error("nothing is planned here")) },
      metrics,
      logger,
      apiKeys: options.apiKeys ?? [],
      workerToken: undefined,
      maxBodyBytes: options.maxBodyBytes ?? 1024 * 1024,
      version: "0.0.0-test",
    });
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => app.fetch(request),
    );
    bed.#owned.defer(() => server.shutdown());
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

  #startFake(key: string, usual?: Behaviour): FakeCoordinator {
    const coordinator = new FakeCoordinator(key, new FakeLlamaServer(["fake"], usual));
    this.coordinators.push(coordinator);
    return coordinator;
  }
}
