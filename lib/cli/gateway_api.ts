import * as z from "zod";
import type { BackendRemoval } from "../backend_admin.ts";
import type { Config } from "../config/config.ts";
import type { ExternalView } from "../coordinator/external.ts";
import type { CoordinatorReport, UnloadOutcome } from "../coordinator_admin.ts";
import type { NodeRemoval } from "../node_admin.ts";
import type { NodeView } from "../nodes/node.ts";
import type { PlanReport } from "../planner/plan_report.ts";
import type { LoggedDecision } from "../router/decision_log.ts";
import type { RouteReport } from "../router/route_report.ts";
import type { StoredLoad } from "../store/load_rows.ts";
import type { BackendView } from "../rpc/backend.ts";
import { type Endpoint, formatEndpoint } from "../rpc/endpoint.ts";
import { backendListShape, backendRemovalShape, backendViewShape } from "./backend_view_shape.ts";
import type { CliHost } from "./command.ts";
import { coordinatorListShape, coordinatorReportShape } from "./coordinator_report_shape.ts";
import { externalListShape } from "./external_view_shape.ts";
import { type GatewayState, gatewayStateShape } from "./gateway_health_shape.ts";
import { GatewayClient, type GatewayRequest } from "./gateway_client.ts";
import { findGateway } from "./gateway_target.ts";
import { type ListedModel, listedModelsShape } from "./listed_model_shape.ts";
import type { NodeOverview } from "./node_table.ts";
import { nodeListShape, nodeOverviewShape, nodeRemovalShape, nodeViewShape } from "./node_view_shape.ts";
import { readWatchedEvent, type WatchedEvent } from "./watched_event.ts";
import { unloadOutcomeShape } from "./unload_outcome_shape.ts";
import { type ListedWorker, workerListShape } from "./worker_list.ts";
import { storedLoadsShape } from "./stored_load_shape.ts";
import { planReportShape } from "./plan_report_shape.ts";
import { loggedDecisionsShape, routeReportShape } from "./route_report_shape.ts";

/** What an operator says of a backend, as they wrote it. */
export interface RegistrationFields {
  /** Such as `15GiB`. */
  readonly memory?: string | undefined;
  /** Such as `110MB`, per second. */
  readonly bandwidth?: string | undefined;
}

const BACKENDS = "/api/admin/rpc-backends";
const NODES = "/api/admin/nodes";
const COORDINATORS = "/api/admin/coordinators";

const modelCardShape = z.object({ id: z.string() });

/** The admin API of a gateway that runs. Dispose it to close its connections. */
export class GatewayApi implements Disposable {
  private constructor(private readonly client: GatewayClient) {}

  /**
   * Asks nothing yet. The configuration's API key goes to a gateway on this machine only, never to another's.
   *
   * @throws {UsageError} If `--gateway` is no URL, neither it nor the configuration says where the gateway is, or the
   *   key is none.
   */
  static of(
    options: { gateway: string | undefined; token: string | undefined },
    config: Pick<Config, "apiKeys" | "listen">,
    { env, signal }: Pick<CliHost, "env" | "signal">,
  ): GatewayApi {
    return new GatewayApi(new GatewayClient(findGateway(options, config, env), { signal }));
  }

  /** All rpc backends that the gateway knows. @throws {GatewayError} If it does not tell. */
  async listBackends(): Promise<readonly BackendView[]> {
    return (await this.client.ask({ method: "GET", path: BACKENDS }, backendListShape)).backends;
  }

  /** Makes a backend known, and waits a little for its first verdict. @throws {GatewayError} If that is refused. */
  async addBackend(endpoint: Endpoint, fields: RegistrationFields = {}): Promise<BackendView> {
    const body = { endpoint: formatEndpoint(endpoint), ...fields };
    return await this.client.ask({ method: "POST", path: BACKENDS, body }, backendViewShape);
  }

  /** Makes the gateway forget a backend. @throws {GatewayError} If that is refused. */
  async removeBackend(endpoint: Endpoint): Promise<BackendRemoval> {
    const path = `${BACKENDS}/${encodeURIComponent(formatEndpoint(endpoint))}`;
    return await this.client.ask({ method: "DELETE", path }, backendRemovalShape);
  }

  /** All Ollama nodes that the gateway knows, without all that they hold. @throws {GatewayError} If it does not tell. */
  async listNodes(): Promise<NodeOverview> {
    return await this.client.ask({ method: "GET", path: `${NODES}?models=false` }, nodeOverviewShape);
  }

  /** The same, with all that they hold: megabytes, where there are many. @throws {GatewayError} If it does not tell. */
  async readNodes(): Promise<readonly NodeView[]> {
    return (await this.client.ask({ method: "GET", path: NODES }, nodeListShape)).nodes;
  }

  /** Makes a node known, and waits a little for its first verdict. @throws {GatewayError} If that is refused. */
  async addNode(url: string): Promise<NodeView> {
    return await this.client.ask({ method: "POST", path: NODES, body: { url } }, nodeViewShape);
  }

  /** Makes the gateway forget a node, by name or URL. @throws {GatewayError} If that is refused. */
  async removeNode(nameOrUrl: string): Promise<NodeRemoval> {
    const path = `${NODES}/${encodeURIComponent(nameOrUrl)}`;
    return await this.client.ask({ method: "DELETE", path }, nodeRemovalShape);
  }

  /** How the gateway is as a whole. @throws {GatewayError} If it does not tell. */
  async getState(): Promise<GatewayState> {
    return await this.client.ask({ method: "GET", path: "/health" }, gatewayStateShape);
  }

  /** Where it is, for people. */
  get url(): string {
    return this.client.url;
  }

  /**
   * What would happen there if a model were loaded.
   *
   * @param question The body of `POST /api/admin/plan`; fields that are `undefined` are left out.
   * @throws {GatewayError} If it does not tell.
   */
  async plan(question: Readonly<Record<string, unknown>>): Promise<PlanReport> {
    const request = { method: "POST", path: "/api/admin/plan", body: question };
    return await this.client.ask(request, planReportShape);
  }

  /** Its last loads, the newest first. @throws {GatewayError} If it does not tell. */
  async listLoads(limit: number): Promise<readonly StoredLoad[]> {
    const request = { method: "GET", path: `/api/admin/loads?limit=${limit}` };
    return (await this.client.ask(request, storedLoadsShape)).loads;
  }

  /** Where a request for a model would go now. @throws {GatewayError} If it does not tell. */
  async explainRoute(
    model: string,
    { task, wish }: { readonly task: string | undefined; readonly wish: string | undefined },
  ): Promise<RouteReport> {
    const query = new URLSearchParams({ model, ...(task && { task }), ...(wish && { route: wish }) });
    return await this.client.ask({ method: "GET", path: `/api/admin/route?${query}` }, routeReportShape);
  }

  /** Where its last requests went, the newest first; of one model or of all. @throws {GatewayError} If it does not tell. */
  async listDecisions(limit: number, model: string | undefined): Promise<readonly LoggedDecision[]> {
    const query = new URLSearchParams({ limit: String(limit), ...(model !== undefined && { model }) });
    const request = { method: "GET", path: `/api/admin/decisions?${query}` };
    return (await this.client.ask(request, loggedDecisionsShape)).decisions;
  }

  /** The workers that report to it. @throws {GatewayError} If it does not tell. */
  async listWorkers(): Promise<readonly ListedWorker[]> {
    return (await this.client.ask({ method: "GET", path: "/api/admin/workers" }, workerListShape)).workers;
  }

  /** Its own coordinators. @throws {GatewayError} If it does not tell. */
  async listCoordinators(): Promise<readonly CoordinatorReport[]> {
    return (await this.client.ask({ method: "GET", path: COORDINATORS }, coordinatorListShape)).coordinators;
  }

  /** Those that others run. @throws {GatewayError} If it does not tell. */
  async listExternals(): Promise<readonly ExternalView[]> {
    const request = { method: "GET", path: "/health" };
    return (await this.client.ask(request, externalListShape)).externalCoordinators;
  }

  /** One of its own, by id or model. @throws {GatewayError} `not_found`, or if it does not tell. */
  async getCoordinator(idOrModel: string): Promise<CoordinatorReport> {
    return await this.client.ask({ method: "GET", path: pathOf(idOrModel) }, coordinatorReportShape);
  }

  /**
   * Has a model loaded, and waits for it however long that takes; if this ends, the load goes on.
   *
   * @param keepAlive As requests say it, such as `10m`.
   * @throws {GatewayError} If that is refused, or fails.
   */
  async loadModel(model: string, keepAlive: string | undefined): Promise<CoordinatorReport> {
    return await this.#start("/api/admin/models/load", { model, keep_alive: keepAlive });
  }

  /** Has a coordinator restarted, by id or model, and waits for it. @throws {GatewayError} If that is refused, or fails. */
  async restartCoordinator(idOrModel: string): Promise<CoordinatorReport> {
    return await this.#start("/api/admin/models/restart", { model: idOrModel });
  }

  /** Has a model unloaded. @throws {GatewayError} If that is refused. */
  async unloadModel(model: string): Promise<UnloadOutcome> {
    const request = { method: "POST", path: "/api/admin/models/unload", body: { model } };
    return await this.client.ask(request, unloadOutcomeShape);
  }

  /** All models that it can be asked for. @throws {GatewayError} If it does not tell. */
  async listModels(): Promise<readonly ListedModel[]> {
    return (await this.client.ask({ method: "GET", path: "/v1/models" }, listedModelsShape)).data;
  }

  /** Sees whether there is a model of that name. @throws {GatewayError} `model_not_found` with near names, or if it does not tell. */
  async checkModel(name: string): Promise<void> {
    const request = { method: "GET", path: `/v1/models/${encodeURIComponent(name)}` };
    await this.client.ask(request, modelCardShape);
  }

  /** How the coordinators are, and what happens to them until `until` aborts. @throws {GatewayError} If it does not tell. */
  async *watch(until: AbortSignal): AsyncGenerator<WatchedEvent, void> {
    const request = { method: "GET", path: "/api/admin/events" };
    for await (const event of this.client.listen(request.path, { until })) {
      const watched = readWatchedEvent(event);
      if (watched === "malformed") throw this.client.nonsense(request);
      if (watched !== "other") yield watched;
    }
  }

  /** The last lines of a coordinator's log, each ended by a line feed. @throws {GatewayError} If it does not tell. */
  async readLog(idOrModel: string, tail: number): Promise<string> {
    return await this.client.askText(`${pathOf(idOrModel)}/log?tail=${tail}`);
  }

  /** The last lines of a coordinator's log and those that come. @throws {GatewayError} If it does not tell, or goes away. */
  async *followLog(idOrModel: string, tail: number): AsyncGenerator<string, void> {
    const path = `${pathOf(idOrModel)}/log?tail=${tail}&follow=true`;
    for await (const { data } of this.client.listen(path)) yield data;
  }

  /** Closes all connections. */
  [Symbol.dispose](): void {
    this.client[Symbol.dispose]();
  }

  async #start(path: string, body: unknown): Promise<CoordinatorReport> {
    const request: GatewayRequest = { method: "POST", path, body, timeoutMs: Infinity };
    return await this.client.ask(request, coordinatorReportShape);
  }
}

function pathOf(idOrModel: string): string {
  return `${COORDINATORS}/${encodeURIComponent(idOrModel)}`;
}
