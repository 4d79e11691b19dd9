import { deepEqual, equal, match, throws } from "node:assert/strict";
import { Hono } from "hono";
import type { ClientAccess } from "../../../lib/auth/client_access.ts";
import { OwnerRights } from "../../../lib/auth/owner.ts";
import { systemClock } from "../../../lib/clock.ts";
import { LiveConfig } from "../../../lib/config/live_config.ts";
import { GatewayError } from "../../../lib/errors.ts";
import { silentLogger } from "../../../lib/log.ts";
import { toWanted } from "../../../lib/ollama/model_source.ts";
import { isPermitted, notPermitted } from "../../../lib/router/model_permission.ts";
import type { TaskRequest } from "../../../lib/tasks/batch.ts";
import { Batches } from "../../../lib/tasks/batches.ts";
import type { AppEnv } from "../../../routes/app_env.ts";
import { batchRoutes } from "../../../routes/batches.ts";
import { fileRoutes } from "../../../routes/files.ts";
import { identifyClient } from "../../../routes/middleware/authenticate.ts";
import { identify } from "../../../routes/middleware/identify.ts";
import { renderErrors } from "../../../routes/middleware/on_error.ts";
import { clientAccess } from "../../fixtures/client_access.ts";
import { configOf } from "../../fixtures/config_changes.ts";
import { until } from "../../fixtures/until.ts";

const SAID = {
  "auth.keys": [
    { name: "one", key: "one-key", models: ["tiny"] },
    { name: "two", key: "two-key" },
    { name: "ops", key: "ops-key", scopes: ["admin"] },
  ],
  "api_keys": ["all-key"],
  "auth.allow_anonymous": true,
};

/** Files and batches as the gateway keeps them, behind keys. */
class Bed implements AsyncDisposable {
  readonly sent: TaskRequest[] = [];
  readonly live: LiveConfig;
  readonly #access: ClientAccess = clientAccess(SAID);
  readonly #batches: Batches;
  readonly #app = new Hono<AppEnv>();

  private constructor(private readonly directory: string) {
    this.live = new LiveConfig(configOf({ ...SAID, state_dir: directory }));
    const rights = new OwnerRights(this.live.config);
    this.#batches = Batches.open({
      config: this.live.config,
      send: (request) => {
        this.sent.push(request);
        return Promise.resolve({ status: 200, body: {}, retryAfterSeconds: undefined });
      },
      requirePermitted: (model, owner) => {
        const access = rights.accessOf(owner);
        const names = { aliases: {}, keyOf: (name: string) => toWanted(name).key };
        if (access && !isPermitted(model ?? "", access, names)) throw notPermitted(model, access);
      },
      logger: silentLogger,
    });
    this.#app.onError(renderErrors(silentLogger));
    this.#app.use(identify()).use(identifyClient(this.#access));
    this.#app.route("/v1", fileRoutes(this.#batches, { maxFileBytes: () => 1_000_000, clock: systemClock }));
    this.#app.route("/v1", batchRoutes(this.#batches));
  }

  static async open(): Promise<Bed> {
    return new Bed(await Deno.makeTempDir({ prefix: "sollol-owned-" }));
  }

  /** As a client with this key; without one, on another machine. */
  async ask(key: string | undefined, method: string, path: string, body?: BodyInit) {
    const type = typeof body === "string" ? { "content-type": "application/json" } : undefined;
    const headers = { ...type, ...(key !== undefined && { "x-api-key": key }) };
    const remoteAddr = { transport: "tcp" as const, hostname: "192.168.1.4", port: 1 };
    const request = new Request(`http://gateway/v1${path}`, { method, headers, ...(body && { body }) });
    const response = await this.#app.fetch(request, { remoteAddr });
    const text = await response.text();
    return { status: response.status, body: text.startsWith("{") ? JSON.parse(text) : text };
  }

  async upload(key: string | undefined, ...models: string[]): Promise<string> {
    const lines = models.map((model, at) => {
      const body = { model, input: "a" };
      return JSON.stringify({ custom_id: `c${at}`, method: "POST", url: "/v1/embeddings", body });
    });
    const form = new FormData();
    form.set("purpose", "batch");
    form.set("file", new Blob([lines.join("\n")]), "input.jsonl");
    return (await this.ask(key, "POST", "/files", form)).body.id;
  }

  async begin(key: string | undefined, fileId: string) {
    const wanted = { input_file_id: fileId, endpoint: "/v1/embeddings", completion_window: "24h" };
    return await this.ask(key, "POST", "/batches", JSON.stringify(wanted));
  }

  async ended(key: string | undefined, id: string) {
    const show = () => this.ask(key, "GET", `/batches/${id}`);
    await until(async () => ["failed", "completed"].includes((await show()).body.status), "it has ended", {
      withinMs: 20_000,
    });
    return (await show()).body;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#batches[Symbol.asyncDispose]();
    this.#access[Symbol.dispose]();
    await Deno.remove(this.directory, { recursive: true });
  }
}

const idsIn = ({ body }: { body: { data: { id: string }[] } }) => body.data.map(({ id }) => id);

Deno.test("files and batches are seen by the key that made them, and by operators", async () => {
  await using bed = await Bed.open();
  const file = await bed.upload("one-key", "tiny");
  const { body: { id } } = await bed.begin("one-key", file);
  const { output_file_id: output } = await bed.ended("one-key", id);
  for (const key of ["one-key", "ops-key", "all-key"]) {
    deepEqual(idsIn(await bed.ask(key, "GET", "/files")), [output, file], key);
    deepEqual(idsIn(await bed.ask(key, "GET", "/batches")), [id], key);
    equal((await bed.ask(key, "GET", `/files/${output}/content`)).status, 200, key);
  }
  for (const key of ["two-key", undefined]) {
    deepEqual(idsIn(await bed.ask(key, "GET", "/files")), [], key);
    deepEqual(idsIn(await bed.ask(key, "GET", "/batches")), [], key);
    for (
      const [method, path] of [
        ["GET", `/files/${file}`],
        ["GET", `/files/${output}/content`],
        ["DELETE", `/files/${file}`],
        ["GET", `/batches/${id}`],
        ["POST", `/batches/${id}/cancel`],
      ] as const
    ) {
      equal((await bed.ask(key, method, path)).status, 404, `${key} ${method} ${path}`);
    }
    equal((await bed.begin(key, file)).status, 404, "nobody runs another's file");
    for (const [path, there] of [["/files", file], ["/batches", id]] as const) {
      const words = async (one: string) => {
        const shown = await bed.ask(key, "GET", `${path}/${one}`);
        const after = await bed.ask(key, "GET", `${path}?after=${one}`);
        return [shown, after].map(({ status, body }) => [status, body.error.message.replaceAll(one, "ID")]);
      };
      deepEqual(await words(there), await words("file-nobodys"), "nobody learns that it is there");
    }
  }
  equal((await bed.ask("one-key", "DELETE", `/files/${file}`)).status, 200);
});

Deno.test("what nobody's key made is seen by all who show none, and by operators", async () => {
  await using bed = await Bed.open();
  const file = await bed.upload(undefined, "tiny");
  deepEqual(idsIn(await bed.ask(undefined, "GET", "/files")), [file]);
  deepEqual(idsIn(await bed.ask("ops-key", "GET", "/files")), [file]);
  deepEqual(idsIn(await bed.ask("one-key", "GET", "/files")), []);
});

Deno.test("a batch with models that its key may not use fails with the numbers of these lines, and asks nobody", async () => {
  await using bed = await Bed.open();
  const { body: { id } } = await bed.begin(
    "one-key",
    await bed.upload("one-key", "tiny", "big", "tiny", "huge"),
  );
  const { status, errors } = await bed.ended("one-key", id);
  equal(status, "failed");
  deepEqual(errors.data.map(({ line, code }: { line: number; code: string }) => [line, code]), [
    [2, "forbidden"],
    [4, "forbidden"],
  ]);
  match(errors.data[0].message, /The key "one" may not use the model "big", only tiny/);
  deepEqual(bed.sent, []);
  const other = await bed.begin("two-key", await bed.upload("two-key", "tiny", "big"));
  equal((await bed.ended("two-key", other.body.id)).status, "completed");
  deepEqual(bed.sent.map(({ owner }) => owner), ["two", "two"]);
});

Deno.test("what an owner may do is what its key may do now", () => {
  const live = new LiveConfig(configOf(SAID));
  const rights = new OwnerRights(live.config);
  deepEqual(rights.accessOf("one")?.patterns, ["tiny"]);
  equal(rights.accessOf("two"), undefined);
  equal(rights.accessOf(undefined), undefined);
  equal(rights.accessOf("api_keys[]"), undefined);
  live.apply(configOf({ "auth.keys": [{ name: "two", key: "k", models: ["big"] }] }));
  deepEqual(rights.accessOf("two")?.patterns, ["big"]);
  let refused: unknown;
  try {
    rights.accessOf("one");
  } catch (error) {
    refused = error;
  }
  equal(refused instanceof GatewayError && refused.code, "forbidden");
});

Deno.test("a key is the one of auth.keys, whatever other secrets are called, and must still be for inference", () => {
  const keys = [
    { name: "worker_token", key: "k", models: ["tiny"] },
    { name: "scrape", key: "s", scopes: ["metrics"] },
  ];
  const rights = new OwnerRights(configOf({ "worker_token": "w", "auth.keys": keys }));
  deepEqual(rights.accessOf("worker_token")?.patterns, ["tiny"]);
  throws(() => rights.accessOf("scrape"), {
    code: "forbidden",
    message: /has the scope metrics, and a batch needs inference/,
  });
});
