import { Hono } from "hono";
import { may } from "../../../lib/auth/client.ts";
import type { ClientAccess } from "../../../lib/auth/client_access.ts";
import { systemClock } from "../../../lib/clock.ts";
import type { ExternalView } from "../../../lib/coordinator/external.ts";
import { GatewayError } from "../../../lib/errors.ts";
import { createLogger } from "../../../lib/log.ts";
import { adminRoutes } from "../../../routes/admin.ts";
import type { AppEnv } from "../../../routes/app_env.ts";
import { coordinatorRoutes } from "../../../routes/coordinators.ts";
import { clientOf, identifyClient, requireScope } from "../../../routes/middleware/authenticate.ts";
import { identify } from "../../../routes/middleware/identify.ts";
import { renderErrors } from "../../../routes/middleware/on_error.ts";
import { nodeRoutes } from "../../../routes/nodes.ts";
import { FakeBackendAdmin } from "../../fakes/fake_backend_admin.ts";
import { FakeCoordinatorAdmin } from "../../fakes/fake_coordinator_admin.ts";
import { FakeNodeAdmin } from "../../fakes/fake_node_admin.ts";
import { clientAccess } from "../../fixtures/client_access.ts";

/** What an operator asks of nodes, backends and coordinators, on a loopback port; what is behind it is fake. */
export class NodeBed implements AsyncDisposable {
  readonly nodes = new FakeNodeAdmin();
  readonly backends = new FakeBackendAdmin();
  readonly coordinators = new FakeCoordinatorAdmin();
  /** What `/health` tells beside its status. */
  readonly health: Record<string, unknown> & { externalCoordinators: ExternalView[] } = {
    version: "1.2.3",
    mode: "hybrid",
    inFlightCount: 3,
    waitingCount: 1,
    externalCoordinators: [],
  };
  /** What `/v1/models` lists. */
  readonly models: Record<string, unknown>[] = [{ id: "m", sollol: { available: true, nodes: ["gpu"] } }];
  readonly logLines: Record<string, unknown>[] = [];
  readonly url: string;
  readonly #access: ClientAccess;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor({ apiKeys = [] }: { apiKeys?: string[] } = {}) {
    this.#access = clientAccess({ api_keys: apiKeys });
    const app = this.#createApp(this.#access);
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request, info) => app.fetch(request, info),
    );
    this.url = `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
    this.#access[Symbol.dispose]();
  }

  /** What went wrong inside: must stay empty. */
  get bugs(): Record<string, unknown>[] {
    return this.logLines.filter(({ level }) => level === "error");
  }

  /** Sends a request of our own API; a body that is no text goes as JSON. */
  async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const init: RequestInit = { method, headers: { "content-type": "application/json", ...headers } };
    if (body !== undefined) init.body = typeof body === "string" ? body : JSON.stringify(body);
    const response = await fetch(this.url + path, init);
    return { status: response.status, headers: response.headers, body: await response.json() };
  }

  #createApp(access: ClientAccess): Hono<AppEnv> {
    const logger = createLogger({ sink: (line) => this.logLines.push(JSON.parse(line)), level: "debug" });
    const app = new Hono<AppEnv>();
    const onError = renderErrors(logger);
    app.onError(onError);
    app.notFound((c) => onError(new GatewayError("not_found", `There is no ${c.req.path} here`), c));
    app.use(identify());
    app.use(identifyClient(access));
    app.get("/health", (c) => {
      const details = may(clientOf(c), "metrics") ? this.health : {};
      return c.json({ status: "ok", version: "1.2.3", ...details });
    });
    app.use(requireScope(access, "admin"));
    app.get("/v1/models", (c) => c.json({ object: "list", data: this.models }));
    app.route("/api/admin", adminRoutes(this.backends));
    app.route("/api/admin", nodeRoutes(this.nodes));
    const closing = new AbortController().signal;
    app.route("/api/admin", coordinatorRoutes(this.coordinators, { closing, clock: systemClock }));
    return app;
  }
}
