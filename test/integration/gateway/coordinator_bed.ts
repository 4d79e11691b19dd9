import { Hono } from "hono";
import { type Clock, systemClock } from "../../../lib/clock.ts";
import type { ExternalView } from "../../../lib/coordinator/external.ts";
import { GatewayError } from "../../../lib/errors.ts";
import { createLogger } from "../../../lib/log.ts";
import type { AppEnv } from "../../../routes/app_env.ts";
import { coordinatorLogRoutes } from "../../../routes/coordinator_log.ts";
import { coordinatorRoutes } from "../../../routes/coordinators.ts";
import { eventRoutes } from "../../../routes/events.ts";
import { identifyClient, requireScope } from "../../../routes/middleware/authenticate.ts";
import { identify } from "../../../routes/middleware/identify.ts";
import { renderErrors } from "../../../routes/middleware/on_error.ts";
import { FakeCoordinatorAdmin } from "../../fakes/fake_coordinator_admin.ts";
import { clientAccess } from "../../fixtures/client_access.ts";

/** The coordinators' routes on a loopback port, as the gateway mounts them; what is behind them is fake. */
export class CoordinatorBed implements AsyncDisposable {
  readonly admin = new FakeCoordinatorAdmin();
  /** What the gateway's health tells of coordinators of others. */
  readonly externals: ExternalView[] = [];
  /** Names of the models that there are. */
  readonly models: string[] = [];
  readonly logLines: Record<string, unknown>[] = [];
  readonly url: string;
  readonly #closing = new AbortController();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor({ apiKeys = [], clock = systemClock }: { apiKeys?: string[]; clock?: Clock } = {}) {
    const app = this.#createApp(apiKeys, clock);
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request, info) => app.fetch(request, info),
    );
    this.url = `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** Ends as the gateway does: streams are told, and the server is done when all of them are. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.beginClosing();
    await this.#server.shutdown();
  }

  /** What the gateway does first of all when it shuts down. */
  beginClosing(): void {
    this.#closing.abort(new Error("the gateway shuts down"));
  }

  /** What went wrong inside: must stay empty. */
  get bugs(): Record<string, unknown>[] {
    return this.logLines.filter(({ level }) => level === "error");
  }

  /** Sends a request of our own API; a body that is no text goes as JSON. */
  async ask(method: string, path: string, body?: unknown, init: RequestInit = {}) {
    const response = await fetch(this.url + path, {
      method,
      headers: { "content-type": "application/json" },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
      ...init,
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  }

  #createApp(apiKeys: readonly string[], clock: Clock): Hono<AppEnv> {
    const logger = createLogger({ sink: (line) => this.logLines.push(JSON.parse(line)), level: "debug" });
    const settings = { closing: this.#closing.signal, clock };
    const app = new Hono<AppEnv>();
    const onError = renderErrors(logger);
    app.onError(onError);
    app.notFound((c) => onError(new GatewayError("not_found", `There is no ${c.req.path} here`), c));
    app.use(identify());
    app.get("/health", (c) => c.json({ status: "ok", externalCoordinators: this.externals }));
    const access = clientAccess({ api_keys: apiKeys });
    app.use(identifyClient(access));
    app.use(requireScope(access, "admin"));
    app.get("/v1/models/:id{.+}", (c) => {
      const id = c.req.param("id");
      if (this.models.includes(id)) return c.json({ id, object: "model" });
      throw new GatewayError("model_not_found", `Cannot find model "${id}"; did you mean "tiny"?`);
    });
    app.route("/api/admin", coordinatorLogRoutes(this.admin, settings));
    app.route("/api/admin", coordinatorRoutes(this.admin, settings));
    app.route("/api/admin", eventRoutes(this.admin, settings));
    return app;
  }
}
