import { Hono } from "hono";
import type { ClientAccess } from "../../../lib/auth/client_access.ts";
import { GatewayError } from "../../../lib/errors.ts";
import { createLogger } from "../../../lib/log.ts";
import { adminRoutes } from "../../../routes/admin.ts";
import type { AppEnv } from "../../../routes/app_env.ts";
import { identifyClient, requireScope } from "../../../routes/middleware/authenticate.ts";
import { identify } from "../../../routes/middleware/identify.ts";
import { renderErrors } from "../../../routes/middleware/on_error.ts";
import { workerRoutes } from "../../../routes/workers.ts";
import { FakeBackendAdmin } from "../../fakes/fake_backend_admin.ts";
import { clientAccess } from "../../fixtures/client_access.ts";

/** The admin and worker routes on a loopback port, as the gateway mounts them; what is behind them is fake. */
export class AdminBed implements AsyncDisposable {
  readonly admin = new FakeBackendAdmin();
  readonly logLines: Record<string, unknown>[] = [];
  readonly url: string;
  readonly #access: ClientAccess;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor({ apiKeys = [], workerToken }: { apiKeys?: string[]; workerToken?: string } = {}) {
    const token = workerToken !== undefined && { worker_token: workerToken };
    this.#access = clientAccess({ api_keys: apiKeys, ...token });
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
    app.use("/api/workers/*", requireScope(access, "worker"));
    app.route("/api/workers", workerRoutes(this.admin));
    app.use(requireScope(access, "admin"));
    app.route("/api/admin", adminRoutes(this.admin));
    return app;
  }
}
