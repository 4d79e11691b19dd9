import { equal } from "node:assert/strict";
import { Hono } from "hono";
import type { AppEnv } from "../../../../routes/app_env.ts";
import { admitOrigins } from "../../../../routes/middleware/origins.ts";

Deno.test("origins that change are those of the moment", async () => {
  let origins: readonly string[] = ["http://old.home"];
  const app = new Hono<AppEnv>().use(admitOrigins(() => origins)).get("/", (c) => c.body(null, 204));
  app.onError((error, c) => c.text(error.message, 403));
  const status = async (origin: string) => (await app.request("/", { headers: { origin } })).status;
  equal(await status("http://old.home"), 204);
  equal(await status("http://new.home"), 403);
  origins = ["http://new.home"];
  equal(await status("http://old.home"), 403);
  equal(await status("http://new.home"), 204);
  origins = ["*"];
  equal(await status("null"), 204);
  origins = [];
  equal(await status("http://new.home"), 403);
  equal(await status("http://localhost:1"), 204);
});

Deno.test("headers of an answer that says on what it depends stay", async () => {
  const app = new Hono<AppEnv>().use(admitOrigins(() => []));
  app.get("/", (c) => c.body(null, 204, { "vary": "Accept", "access-control-allow-origin": "*" }));
  const { headers } = await app.request("/", { headers: { origin: "http://localhost:3000" } });
  equal(headers.get("vary"), "Accept, Origin");
  equal(headers.get("access-control-allow-origin"), "http://localhost:3000");
});

for (
  const { url, origin, status } of [
    { url: "http://gpubox.example:11435/", origin: "http://gpubox.example:11435", status: 204 },
    { url: "http://GPUbox.example:11435/", origin: "https://gpubox.example:11435", status: 204 },
    { url: "http://gpubox.example/", origin: "https://gpubox.example", status: 204 },
    { url: "http://gpubox.example:11435/", origin: "http://gpubox.example", status: 403 },
    { url: "http://gpubox.example:11435/", origin: "http://gpubox.example:11436", status: 403 },
    { url: "http://gpubox.example:11435/", origin: "http://evil.gpubox.example:11435", status: 403 },
    { url: "http://gpubox.example:11435/", origin: "null", status: 403 },
  ]
) {
  Deno.test(`a page of ${origin} that asks ${url} gets ${status}`, async () => {
    const app = new Hono<AppEnv>().use(admitOrigins(() => [])).get("/", (c) => c.body(null, 204));
    app.onError((error, c) => c.text(error.message, 403));
    const response = await app.request(url, { headers: { origin } });
    equal(response.status, status);
    equal(response.headers.get("access-control-allow-origin"), null);
  });
}
