import { Hono } from "hono";
import { systemClock } from "../../../lib/clock.ts";
import { GatewayError } from "../../../lib/errors.ts";
import type { BatchService } from "../../../lib/tasks/batch.ts";
import type { AppEnv } from "../../../routes/app_env.ts";
import { manyRoutes } from "../../../routes/batch.ts";
import { batchRoutes } from "../../../routes/batches.ts";
import { fileRoutes } from "../../../routes/files.ts";
import { identify } from "../../../routes/middleware/identify.ts";
import { renderErrors } from "../../../routes/middleware/on_error.ts";
import { RecordedLog } from "../../fixtures/recorded_log.ts";

/** The largest file, and body, that it takes. */
export const MAX_BYTES = 256 * 1024;

/** The routes of files and batches on a loopback port, as the gateway mounts them. */
export class BatchesBed implements AsyncDisposable {
  readonly log = new RecordedLog();
  readonly url: string;
  readonly closing = new AbortController();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(service: BatchService, { maxFileBytes = MAX_BYTES, port = 0, clock = systemClock } = {}) {
    const app = new Hono<AppEnv>();
    const onError = renderErrors(this.log.logger);
    app.onError(onError);
    app.notFound((c) => onError(new GatewayError("not_found", `There is no ${c.req.path} here`), c));
    app.use(identify());
    const settings = { closing: this.closing.signal, clock: systemClock };
    app.route("/api", manyRoutes(service, { maxBodyBytes: () => 4 * MAX_BYTES, ...settings }));
    app.route("/v1", fileRoutes(service, { maxFileBytes: () => maxFileBytes, clock }));
    app.route("/v1", batchRoutes(service));
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port, onListen: () => {} },
      (request) => app.fetch(request),
    );
    this.url = `http://127.0.0.1:${this.port}`;
  }

  /** Where it listens, on 127.0.0.1. */
  get port(): number {
    return this.#server.addr.port;
  }

  /** Sends a request; a body that is no text goes as JSON. */
  async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const init: RequestInit = { method, headers: { "content-type": "application/json", ...headers } };
    if (body !== undefined) init.body = typeof body === "string" ? body : JSON.stringify(body);
    const response = await fetch(this.url + path, init);
    return { status: response.status, body: await response.json() };
  }

  /** Sends a form as it is. */
  async post(form: BodyInit, headers: Record<string, string> = {}) {
    const response = await fetch(`${this.url}/v1/files`, { method: "POST", body: form, headers });
    return { status: response.status, body: await response.json() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}
