import { deepEqual, equal, match } from "node:assert/strict";
import { GIB, MIB } from "../../../lib/units.ts";
import { backendView } from "../../fixtures/backend_views.ts";
import { AdminBed } from "./admin_bed.ts";

const BACKENDS = "/api/admin/rpc-backends";

Deno.test("GET /api/admin/rpc-backends shows all that is known of each, in camel case like /health, and null for what is not", async () => {
  await using bed = new AdminBed();
  const view = backendView("10.0.0.1:50052", { holder: "coordinator of x", health: "held" });
  bed.admin.backends.set(view.endpoint, view);
  const { status, body } = await bed.ask("GET", BACKENDS);
  equal(status, 200);
  const nulls = (_key: string, value: unknown) => value === undefined ? null : value;
  deepEqual(body, { backends: [JSON.parse(JSON.stringify(view, nulls))] });
});

Deno.test("POST /api/admin/rpc-backends answers 201 for a new one and 200 for a known one, by any of its names", async () => {
  await using bed = new AdminBed();
  const first = await bed.ask("POST", BACKENDS, { endpoint: "10.0.0.1" });
  deepEqual([first.status, first.body.endpoint, first.body.health], [201, "10.0.0.1:50052", "up"]);
  equal((await bed.ask("POST", BACKENDS, { host: "10.0.0.1" })).status, 200);
  bed.admin.backends.set("10.0.0.2:50052", backendView("10.0.0.2:50052", { aliases: ["gpu.lan:50052"] }));
  equal((await bed.ask("POST", BACKENDS, { host: "GPU.lan", port: 50052 })).status, 200);
});

Deno.test("POST /api/admin/rpc-backends takes limits, keeps those that are not given, and null takes one back", async () => {
  await using bed = new AdminBed();
  const endpoint = "10.0.0.1:50052";
  const limits = async (fields: Record<string, unknown>) =>
    (await bed.ask("POST", BACKENDS, { endpoint, ...fields })).body.limits;
  deepEqual(await limits({ memory: "15GiB", bandwidth: "110MB/s" }), {
    memoryLimitBytes: 15 * GIB,
    isExcluded: false,
    bytesPerSecond: 110_000_000,
  });
  deepEqual(await limits({ exclude: true, memory: 512 * MIB }), {
    memoryLimitBytes: 512 * MIB,
    isExcluded: true,
    bytesPerSecond: 110_000_000,
  });
  deepEqual(await limits({ memory: null, bandwidth: null }), {
    memoryLimitBytes: null,
    isExcluded: true,
    bytesPerSecond: null,
  });
});

for (
  const { name, body, field, want } of [
    { name: "nothing", body: {}, field: null, want: /must say "endpoint", such as/ },
    {
      name: "an IPv6 address",
      body: { endpoint: "[::1]:50052" },
      field: "endpoint",
      want: /"endpoint": .*IPv4 only/,
    },
    { name: "an IPv6 host", body: { host: "fe80::1" }, field: null, want: /IPv4 only/ },
    { name: "port 0", body: { endpoint: "10.0.0.1:0" }, field: "endpoint", want: /"0" is no port/ },
    { name: "port 0 by itself", body: { host: "10.0.0.1", port: 0 }, field: "port", want: /"port"/ },
    { name: "a URL", body: { endpoint: "http://10.0.0.1" }, field: "endpoint", want: /no scheme/ },
    {
      name: "two places",
      body: { endpoint: "a:1", host: "b" },
      field: null,
      want: /both endpoint and host or port/,
    },
    {
      name: "a port beside an endpoint",
      body: { endpoint: "a:1", port: 1 },
      field: null,
      want: /both endpoint and/,
    },
    {
      name: "a misspelt field",
      body: { endpoint: "a:1", memroy: "1GiB" },
      field: "memroy",
      want: /"memroy": no such field/,
    },
    {
      name: "a wrong type",
      body: { endpoint: 5 },
      field: "endpoint",
      want: /^"endpoint" must be text, not a (number|list)$/,
    },
    {
      name: "a list for an endpoint",
      body: { endpoint: ["a:1"] },
      field: "endpoint",
      want: /^"endpoint" must be text, not a (number|list)$/,
    },
    {
      name: "a size that is none",
      body: { endpoint: "a:1", memory: "lots" },
      field: "memory",
      want: /"lots" is not a size/,
    },
    {
      name: "a size without its unit",
      body: { endpoint: "a:1", memory: 15 },
      field: "memory",
      want: /"15" is less than a MiB/,
    },
    {
      name: "a negative size",
      body: { endpoint: "a:1", memory: -1 },
      field: "memory",
      want: /"-1" is not a size/,
    },
    {
      name: "a size that is a section",
      body: { endpoint: "a:1", memory: {} },
      field: "memory",
      want: /must be a size/,
    },
    {
      name: "no bandwidth",
      body: { endpoint: "a:1", bandwidth: "0" },
      field: "bandwidth",
      want: /less than a kB per second/,
    },
    {
      name: "a word for a yes",
      body: { endpoint: "a:1", exclude: "yes" },
      field: "exclude",
      want: /^"exclude" must be true or false, not text$/,
    },
    {
      name: "a prototype",
      body: `{"endpoint":"a:1","__proto__":{"x":1}}`,
      field: "__proto__",
      want: /no such field/,
    },
    { name: "a list", body: [], field: null, want: /^The body must be an object, not (a list|null)$/ },
    { name: "null", body: "null", field: null, want: /^The body must be an object, not (a list|null)$/ },
    { name: "text that is not JSON", body: "{nope", field: null, want: /not valid JSON/ },
    { name: "no body", body: "", field: null, want: /^The body must say "endpoint"/ },
    { name: "nesting without end", body: "[".repeat(10_000), field: null, want: /not valid JSON/ },
    { name: "a long name", body: { endpoint: "x".repeat(5_000) }, field: "endpoint", want: /"endpoint"/ },
    { name: "a long field", body: { ["x".repeat(5_000)]: 1 }, field: "x".repeat(200), want: /no such field/ },
  ]
) {
  Deno.test(`POST /api/admin/rpc-backends refuses ${name}, and names the field`, async () => {
    await using bed = new AdminBed();
    const answer = await bed.ask("POST", BACKENDS, body);
    equal(answer.status, 400);
    match(answer.body.error.message, want);
    deepEqual([answer.body.error.code, answer.body.error.param], ["invalid_request", field]);
    deepEqual([bed.admin.backends.size, bed.bugs], [0, []]);
  });
}

for (
  const { name, type } of [
    { name: "a form of a web page", type: "text/plain" },
    { name: "a form with fields", type: "application/x-www-form-urlencoded" },
    { name: "a trick with parameters", type: "text/plain; application/json" },
    { name: "nothing said", type: "" },
  ]
) {
  Deno.test(`a body is refused that is not declared as JSON: ${name}`, async () => {
    await using bed = new AdminBed();
    const answer = await bed.ask("POST", BACKENDS, { endpoint: "a:1" }, { "content-type": type });
    equal(answer.status, 415);
    match(answer.body.error.message, /content-type: application\/json/);
    equal(bed.admin.backends.size, 0);
  });
}

Deno.test("a web page is never given the permission that its browser asks for", async () => {
  await using bed = new AdminBed();
  for (const path of [BACKENDS, `${BACKENDS}/a:1`, "/api/workers/x"]) {
    const { status, headers } = await bed.ask("OPTIONS", path, undefined, {
      origin: "http://evil.example",
      "access-control-request-method": "DELETE",
    });
    deepEqual([status, headers.get("access-control-allow-origin")], [405, null], path);
  }
});

Deno.test("a charset beside application/json is fine", async () => {
  await using bed = new AdminBed();
  const type = { "content-type": "Application/JSON; charset=utf-8" };
  equal((await bed.ask("POST", BACKENDS, { endpoint: "a:1" }, type)).status, 201);
});

Deno.test("bodies that are too large, compressed or not UTF-8 are refused", async () => {
  await using bed = new AdminBed();
  const huge = await bed.ask("POST", BACKENDS, `{"endpoint":"${"x".repeat(20_000)}"}`);
  equal(huge.status, 413);
  match(huge.body.error.message, /larger than 16\.0 KiB/);
  equal((await bed.ask("POST", BACKENDS, "{}", { "content-encoding": "gzip" })).status, 415);
  const headers = { "content-type": "application/json" };
  const response = await fetch(bed.url + BACKENDS, {
    method: "POST",
    headers,
    body: Uint8Array.of(0x22, 0xff, 0x22),
  });
  equal(response.status, 400);
  match((await response.json()).error.message, /not UTF-8/);
});

Deno.test("DELETE /api/admin/rpc-backends removes by path or by query", async () => {
  await using bed = new AdminBed();
  for (const where of ["/10.0.0.1:50052", "/10.0.0.1%3A50052", "/10.0.0.1", "?endpoint=10.0.0.1:50052"]) {
    await bed.ask("POST", BACKENDS, { endpoint: "10.0.0.1" });
    const { status, body } = await bed.ask("DELETE", BACKENDS + where);
    deepEqual([status, body], [200, {
      endpoint: "10.0.0.1:50052",
      outcome: "removed",
      reason: "10.0.0.1:50052 is forgotten",
    }], where);
    equal(bed.admin.backends.size, 0);
  }
});

Deno.test("DELETE /api/admin/rpc-backends answers 202 for one that a coordinator uses still", async () => {
  await using bed = new AdminBed();
  const view = backendView("held:1", { sources: ["admin"], holder: "coordinator of x" });
  bed.admin.backends.set("held:1", view);
  const { status, body } = await bed.ask("DELETE", `${BACKENDS}/held:1`);
  deepEqual([status, body.outcome, body.reason], [
    202,
    "after release",
    "held:1 is held by coordinator of x",
  ]);
});

for (
  const { name, where, status, want } of [
    { name: "one that is not known", where: "/10.9.9.9:1", status: 404, want: /No rpc backend/ },
    {
      name: "one of the config file",
      where: "/configured:1",
      status: 409,
      want: /stands in the config file/,
    },
    { name: "none", where: "", status: 400, want: /it is empty/ },
    { name: "a URL", where: "/http://a:1", status: 400, want: /no scheme/ },
    { name: "an IPv6 address", where: "/[::1]:50052", status: 400, want: /IPv4 only/ },
    { name: "port 0", where: "/a:0", status: 400, want: /no port/ },
    { name: "a path", where: "/..%2f..%2fetc", status: 400, want: /longer than host:port/ },
    { name: "broken percent signs", where: "/%zz", status: 400, want: /Cannot use/ },
  ]
) {
  Deno.test(`DELETE /api/admin/rpc-backends answers ${status} for ${name}`, async () => {
    await using bed = new AdminBed();
    bed.admin.backends.set("configured:1", backendView("configured:1"));
    const answer = await bed.ask("DELETE", BACKENDS + where);
    equal(answer.status, status);
    match(answer.body.error.message, want);
    deepEqual([bed.admin.backends.size, bed.bugs], [1, []]);
  });
}

Deno.test("the admin routes want an API key where there are any, and know their methods", async () => {
  await using bed = new AdminBed({ apiKeys: ["k"], workerToken: "w" });
  for (
    const [method, path] of [["GET", BACKENDS], ["POST", BACKENDS], ["DELETE", `${BACKENDS}/a:1`]] as const
  ) {
    equal((await bed.ask(method, path)).status, 401, `${method} ${path}`);
    const wrong = await bed.ask(method, path, undefined, { authorization: "Bearer w" });
    equal(wrong.status, 403, "a worker's token is for nothing else");
    match(wrong.body.error.message, /"worker_token" has the scope worker, and .* needs admin/);
  }
  const key = { authorization: "Bearer k" };
  equal((await bed.ask("GET", BACKENDS, undefined, key)).status, 200);
  const put = await bed.ask("PUT", BACKENDS, "{}", key);
  deepEqual([put.status, put.headers.get("allow")], [405, "GET, POST, DELETE"]);
  equal((await bed.ask("GET", `${BACKENDS}/a:1`, undefined, key)).status, 405);
});
