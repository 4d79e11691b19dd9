import { Hono } from "hono";
import { ClientWatch } from "../../../lib/client_watch.ts";
import { systemClock } from "../../../lib/clock.ts";
import { mergeConfig } from "../../../lib/config/merge.ts";
import { parseConfigFile } from "../../../lib/config/yaml_file.ts";
import type { ServingCoordinator } from "../../../lib/coordinator/serving.ts";
import { createLogger } from "../../../lib/log.ts";
import { ModelManagement } from "../../../lib/model_management/model_management.ts";
import { RecordedOrders } from "../../../lib/model_management/recorded_orders.ts";
import type { NodeSettings } from "../../../lib/nodes/node_settings.ts";
import { OllamaListing } from "../../../lib/ollama_listing.ts";
import { ModelStore } from "../../../lib/ollama/storage.ts";
import type { PoolView } from "../../../lib/pool/pooled.ts";
import { ModelCatalog } from "../../../lib/router/catalog.ts";
import { ModelShow } from "../../../lib/show_model.ts";
import { GgufHeaderCache } from "../../../lib/store/gguf_header_cache.ts";
import type { AppEnv } from "../../../routes/app_env.ts";
import { identify } from "../../../routes/middleware/identify.ts";
import { noticeLeaving } from "../../../routes/middleware/notice_leaving.ts";
import { renderErrors } from "../../../routes/middleware/on_error.ts";
import { ollamaAliveRoutes } from "../../../routes/ollama_alive.ts";
import { ollamaListingRoutes } from "../../../routes/ollama_listing.ts";
import { ollamaManagementRoutes } from "../../../routes/ollama_management.ts";
import { OllamaStoreFixture } from "../../fixtures/ollama_store.ts";
import { RoutingBed } from "../../fixtures/routing_bed.ts";

/** What an {@linkcode OllamaBed} is made with. */
export interface OllamaBedOptions {
  /** Ollama nodes; none by default. */
  readonly nodes?: readonly NodeSettings[];
  /** Of the operator, as a config file says it. */
  readonly config?: string;
  /** Our own coordinators, as the pool tells of them. */
  readonly coordinators?: readonly {
    readonly view: PoolView;
    /** Not given: it does not serve. */
    readonly serving?: ServingCoordinator | undefined;
  }[];
}

/** Ollama's listings and management on a loopback port, over real nodes, a real store and fake coordinators. */
export class OllamaBed implements AsyncDisposable {
  readonly logLines: Record<string, unknown>[] = [];
  /** Our own models. */
  store!: OllamaStoreFixture;
  nodes!: RoutingBed["nodes"];
  catalog!: ModelCatalog;
  url = "";
  readonly #owned = new AsyncDisposableStack();

  static async open(options: OllamaBedOptions = {}): Promise<OllamaBed> {
    const bed = new OllamaBed();
    const owned = bed.#owned;
    bed.store = owned.use(await OllamaStoreFixture.create());
    const logger = createLogger({ sink: (line) => bed.logLines.push(JSON.parse(line)), level: "debug" });
    const { config } = mergeConfig({ file: parseConfigFile(options.config ?? "", "config.yaml"), env: {} });
    const { nodes, http } = owned.use(await RoutingBed.open(config, options.nodes, logger));
    bed.nodes = nodes;
    const catalog = new ModelCatalog({
      store: new ModelStore({ roots: [bed.store.directory], logger }),
      external: { modelNames: [], facts: [] },
      nodes,
      config,
    });
    bed.catalog = catalog;
    const { coordinators = [] } = options;
    const pool = {
      views: () => coordinators.map(({ view }) => view),
      running: (key: string) => coordinators.find(({ view }) => view.key === key)?.serving,
    };
    const parts = { nodes, catalog, pool, http, config, clock: systemClock };
    const clients = owned.use(new ClientWatch({ clock: systemClock }));
    const maxBodyBytes = () => 1024 * 1024;
    const app = new Hono<AppEnv>();
    app.onError(renderErrors(logger));
    app.use(identify());
    app.use(noticeLeaving(clients));
    app.route("/", ollamaAliveRoutes());
    const listing = new OllamaListing(parts);
    const show = new ModelShow({ ...parts, headers: new GgufHeaderCache() });
    app.route("/api", ollamaListingRoutes({ listing, show, maxBodyBytes, gateway: EVERYBODY }));
    const orders = new ModelManagement({ ...parts, keyOf: (model) => catalog.keyOf(model) });
    const management = new RecordedOrders({ orders, logger, clock: systemClock });
    app.route("/api", ollamaManagementRoutes(management, { maxBodyBytes, clients }));
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request, info) => app.fetch(request, info),
    );
    owned.defer(() => server.shutdown());
    clients.servesAt(server.addr.port);
    bed.url = `http://127.0.0.1:${server.addr.port}`;
    return bed;
  }

  /** What went wrong inside: must stay empty. */
  get bugs(): Record<string, unknown>[] {
    return this.logLines.filter(({ level }) => level === "error");
  }

  /** Sends a request; a body that is no text goes as JSON. */
  send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const init: RequestInit = { method, headers, redirect: "manual" };
    if (body !== undefined) init.body = typeof body === "string" ? body : JSON.stringify(body);
    return fetch(this.url + path, init);
  }

  /** The same, and its answer read as JSON; `undefined` if it is empty. */
  async ask(method: string, path: string, body?: unknown, headers?: Record<string, string>) {
    const response = await this.send(method, path, body, headers);
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === "" ? undefined : JSON.parse(text),
    };
  }

  /** The same for an answer of lines. */
  async lines(
    path: string,
    body: unknown,
    headers?: Record<string, string>,
  ): Promise<Record<string, unknown>[]> {
    const text = await (await this.send("POST", path, body, headers)).text();
    return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  }

  /** Names of the models that all nodes together hold, as the gateway knows it. */
  async listed(): Promise<string[]> {
    return (await this.catalog.list()).map(({ name }) => name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}

/** No key is for some models only. */
const EVERYBODY = { isPermitted: () => true, requirePermitted: () => {} };
