import { Hono } from "hono";
import { deepEqual } from "node:assert/strict";
import type { AppEnv } from "../../../../routes/app_env.ts";
import { ollamaCharset } from "../../../../routes/middleware/ollama_charset.ts";

const app = new Hono<AppEnv>();
const routes = new Hono<AppEnv>();
routes.use("/:path", ollamaCharset());
routes.get("/whole", (c) => c.body("{}", 200, { "content-type": "application/json", "x-other": "kept" }));
routes.get("/stream", (c) => c.body("{}\n", 200, { "content-type": "application/x-ndjson" }));
routes.get("/empty", (c) => c.body(null, 200));
routes.get("/fails", () => {
  throw new Error("no");
});
app.route("/api", routes);
app.onError((_error, c) => c.body("{}", 500, { "content-type": "application/json" }));

for (
  const { name, path, status = 200, type, other = null } of [
    { name: "JSON", path: "/api/whole", type: "application/json; charset=utf-8", other: "kept" },
    { name: "an error", path: "/api/fails", status: 500, type: "application/json; charset=utf-8" },
    { name: "a stream", path: "/api/stream", type: "application/x-ndjson" },
    { name: "nothing", path: "/api/empty", type: null },
  ]
) {
  Deno.test(`the type of ${name} is as Ollama declares it`, async () => {
    const response = await app.request(path);
    await response.body?.cancel();
    const { headers } = response;
    deepEqual([response.status, headers.get("content-type"), headers.get("x-other")], [status, type, other]);
  });
}
