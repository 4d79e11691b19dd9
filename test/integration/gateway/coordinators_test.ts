import { deepEqual, equal, match } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import { coordinatorReport } from "../../fixtures/coordinator_reports.ts";
import { until } from "../../fixtures/until.ts";
import { CoordinatorBed } from "./coordinator_bed.ts";

const withNulls = (value: unknown) =>
  JSON.parse(JSON.stringify(value, (_key, inner) => inner === undefined ? null : inner));

Deno.test("GET /api/admin/coordinators tells of all, with every key", async () => {
  await using bed = new CoordinatorBed();
  deepEqual((await bed.ask("GET", "/api/admin/coordinators")).body, { coordinators: [] });
  const ready = bed.admin.add(coordinatorReport("tiny", { expiresInMs: Infinity }));
  const stopped = bed.admin.add(
    coordinatorReport("big", { id: "c2", state: "stopped", placement: undefined }),
  );
  const { status, body } = await bed.ask("GET", "/api/admin/coordinators");
  equal(status, 200);
  deepEqual(body, { coordinators: [withNulls({ ...ready, expiresInMs: null }), withNulls(stopped)] });
});

for (
  const name of [
    ...[
      "c1",
      "tiny:latest",
      "hf.co/bartowski/Some-GGUF:Q4_K_M",
      "a/log",
      "a/restart",
      "50% more",
      "a%2Fb",
      "%zz",
    ],
    ...["ünïcödé", "模型:7b", "a b", "a?b#c", "..", "a\u202eb", "x".repeat(500)],
  ]
) {
  Deno.test(`GET /api/admin/coordinators/:id finds ${JSON.stringify(name.slice(0, 40))}`, async () => {
    await using bed = new CoordinatorBed();
    bed.admin.add(coordinatorReport(name));
    bed.admin.logLines.push("a line");
    const path = `/api/admin/coordinators/${encodeURIComponent(name)}`;
    if (name === "..") return; // no URL can hold it
    const { status, body } = await bed.ask("GET", path);
    deepEqual([status, body.model], [200, name]);
    equal(await (await fetch(`${bed.url}${path}/log`)).text(), "a line\n");
    equal((await bed.ask("POST", `${path}/restart`, {})).status, 200);
    deepEqual([bed.admin.calls, bed.bugs], [[`restart ${name}`], []]);
  });
}

Deno.test("GET /api/admin/coordinators/:id takes a name with slashes as it is", async () => {
  await using bed = new CoordinatorBed();
  bed.admin.add(coordinatorReport("hf.co/a/b:c"));
  equal((await bed.ask("GET", "/api/admin/coordinators/hf.co/a/b:c")).body.model, "hf.co/a/b:c");
});

Deno.test("POST /api/admin/models/load waits until the model is ready", async () => {
  await using bed = new CoordinatorBed();
  const loaded = Promise.withResolvers<void>();
  bed.admin.onStart = async (name) => {
    await loaded.promise;
    return bed.admin.add(coordinatorReport(name));
  };
  let isAnswered = false;
  const answer = bed.ask("POST", "/api/admin/models/load", { model: "tiny", keep_alive: "1h30m" })
    .finally(() => isAnswered = true);
  await until(() => bed.admin.calls.length > 0, "the load is asked for");
  equal(isAnswered, false);
  loaded.resolve();
  const { status, body } = await answer;
  deepEqual([status, body], [200, withNulls(coordinatorReport("tiny"))]);
  deepEqual(bed.admin.calls, ["load tiny 5400000"]);
});

for (
  const { said, want } of [
    { said: undefined, want: undefined },
    { said: "10m", want: 600_000 },
    { said: 300, want: 300_000 },
    { said: "300", want: 300_000 },
    { said: 0, want: 0 },
    { said: -1, want: Infinity },
    { said: "-1m", want: Infinity },
    { said: 0.5, want: 500 },
  ]
) {
  Deno.test(`POST /api/admin/models/load takes ${JSON.stringify(said)} as keep_alive`, async () => {
    await using bed = new CoordinatorBed();
    const { status } = await bed.ask("POST", "/api/admin/models/load", { model: "m", keep_alive: said });
    deepEqual([status, bed.admin.calls], [200, [`load m ${want}`]]);
  });
}

for (
  const { name, path, body } of [
    { name: "by the query", path: "/api/admin/models/load?wait=false", body: { model: "tiny" } },
    { name: "by the body", path: "/api/admin/models/load", body: { model: "tiny", wait: false } },
    { name: "of a restart", path: "/api/admin/models/restart", body: { model: "tiny", wait: false } },
    { name: "of a restart by id", path: "/api/admin/coordinators/tiny/restart", body: { wait: false } },
  ]
) {
  Deno.test(`A load that is not waited for, ${name}, is accepted at once and goes on`, async () => {
    await using bed = new CoordinatorBed();
    bed.admin.add(coordinatorReport("tiny"));
    const end = Promise.withResolvers<never>();
    bed.admin.onStart = () => end.promise;
    const { status, body: said } = await bed.ask("POST", path, body);
    deepEqual([status, said.model, said.outcome], [202, "tiny", "loading"]);
    end.reject(new GatewayError("load_timeout", "told to nobody")); // must not end the program
    await end.promise.catch(() => {});
    deepEqual(bed.bugs, []);
  });
}

Deno.test("A load that is not waited for is refused at once if that is known at once", async () => {
  await using bed = new CoordinatorBed();
  bed.admin.onStart = () => Promise.reject(new GatewayError("model_not_found", "There is no tiny"));
  const { status, body } = await bed.ask("POST", "/api/admin/models/load?wait=false", { model: "tiny" });
  deepEqual([status, body.error.message], [404, "There is no tiny"]);
});

Deno.test("POST /api/admin/models/load tells of a failure as a request for the model would", async () => {
  await using bed = new CoordinatorBed();
  bed.admin.onStart = () => Promise.reject(new GatewayError("insufficient_memory", "2 GiB are missing"));
  const { status, body } = await bed.ask("POST", "/api/admin/models/load", { model: "tiny" });
  deepEqual([status, body.error.code, body.error.message], [507, "insufficient_memory", "2 GiB are missing"]);
});

Deno.test("A client that leaves while a model loads ends its own waiting only", async () => {
  await using bed = new CoordinatorBed();
  const signals: AbortSignal[] = [];
  bed.admin.onStart = (_name, signal) => (signals.push(signal), new Promise(() => {}));
  const leave = new AbortController();
  const answer = bed.ask("POST", "/api/admin/models/load", { model: "tiny" }, { signal: leave.signal });
  await until(() => signals.length > 0, "the load is asked for");
  leave.abort();
  await answer.catch(() => {});
  await until(() => signals[0]!.aborted, "the gateway knows that the client has left");
  deepEqual(bed.bugs, []);
});

Deno.test("Who waits for a load is told when the gateway shuts down", async () => {
  await using bed = new CoordinatorBed();
  bed.admin.onStart = () => new Promise(() => {});
  const answer = bed.ask("POST", "/api/admin/models/load", { model: "tiny" });
  await until(() => bed.admin.calls.length > 0, "the load is asked for");
  bed.beginClosing();
  const { status, body } = await answer;
  deepEqual([status, body.error.code, bed.bugs], [503, "shutting_down", []]);
});

for (
  const { outcome, status } of [
    { outcome: "unloaded", status: 200 },
    { outcome: "after use", status: 202 },
    { outcome: "not loaded", status: 200 },
  ] as const
) {
  Deno.test(`POST /api/admin/models/unload answers ${status} for ${outcome}`, async () => {
    await using bed = new CoordinatorBed();
    bed.admin.unloaded = { outcome, because: "so it is" };
    const answer = await bed.ask("POST", "/api/admin/models/unload", { model: "a/b:c" });
    deepEqual([answer.status, answer.body], [status, { model: "a/b:c", outcome, because: "so it is" }]);
    deepEqual(bed.admin.calls, ["unload a/b:c"]);
  });
}

const LOAD = "/api/admin/models/load";
for (
  const { name, method = "POST", path = LOAD, body, want } of [
    { name: "no model", body: {}, want: [400, /"model"/] },
    { name: "an empty model", body: { model: "" }, want: [400, /"model"/] },
    { name: "a model that is a number", body: { model: 7 }, want: [400, /"model"/] },
    { name: "a model of a million letters", body: { model: "x".repeat(1e6) }, want: [413, /16\.0 KiB/] },
    { name: "a model of a thousand letters", body: { model: "x".repeat(1000) }, want: [400, /"model"/] },
    { name: "an unknown field", body: { model: "m", force: true }, want: [400, /"force": no such field/] },
    {
      name: "a keep_alive that is none",
      body: { model: "m", keep_alive: "soon" },
      want: [400, /"keep_alive": "soon" is no/],
    },
    {
      name: "a keep_alive of another type",
      body: { model: "m", keep_alive: true },
      want: [400, /"keep_alive" must be a duration/],
    },
    { name: "an endless keep_alive", body: '{"model":"m","keep_alive":1e999}', want: [400, /"keep_alive"/] },
    { name: "a wait of another type", body: { model: "m", wait: "no" }, want: [400, /"wait"/] },
    {
      name: "a wait of the query that is none",
      path: `${LOAD}?wait=no`,
      body: { model: "m" },
      want: [400, /"wait" must be true or false/],
    },
    { name: "no JSON", body: "{", want: [400, /not valid JSON/] },
    { name: "an array", body: [], want: [400, /body/i] },
    {
      name: "an unknown id",
      method: "GET",
      path: "/api/admin/coordinators/c9",
      want: [404, /No coordinator "c9"/],
    },
    {
      name: "a name with a line break",
      method: "GET",
      path: "/api/admin/coordinators/a%0Ab",
      want: [404, /a\nb/],
    },
    {
      name: "a restart of an unknown id",
      path: "/api/admin/coordinators/c9/restart",
      body: {},
      want: [404, /"c9"/],
    },
    {
      name: "a restart with a field",
      path: "/api/admin/coordinators/c1/restart",
      body: { model: "x" },
      want: [400, /"model"/],
    },
    {
      name: "the log of an unknown id",
      method: "GET",
      path: "/api/admin/coordinators/c9/log",
      want: [404, /"c9"/],
    },
    {
      name: "following an unknown id",
      method: "GET",
      path: "/api/admin/coordinators/c9/log?follow=true",
      want: [404, /"c9"/],
    },
    {
      name: "too long a tail",
      method: "GET",
      path: "/api/admin/coordinators/c1/log?tail=10001",
      want: [400, /"tail"/],
    },
    {
      name: "a tail that is none",
      method: "GET",
      path: "/api/admin/coordinators/c1/log?tail=-1",
      want: [400, /"tail"/],
    },
    {
      name: "a follow that is none",
      method: "GET",
      path: "/api/admin/coordinators/c1/log?follow=1",
      want: [400, /"follow"/],
    },
    { name: "a GET that loads", method: "GET", want: [405, /use POST/] },
    {
      name: "a DELETE of a coordinator",
      method: "DELETE",
      path: "/api/admin/coordinators/c1",
      want: [405, /use GET/],
    },
    { name: "a POST of events", path: "/api/admin/events", body: {}, want: [405, /use GET/] },
    { name: "a POST of a log", path: "/api/admin/coordinators/c1/log", body: {}, want: [405, /use GET/] },
    {
      name: "a GET that restarts",
      method: "GET",
      path: "/api/admin/coordinators/c1/restart",
      want: [405, /use POST/],
    },
    { name: "a GET that unloads", method: "GET", path: "/api/admin/models/unload", want: [405, /use POST/] },
  ] as { name: string; method?: string; path?: string; body?: unknown; want: [number, RegExp] }[]
) {
  Deno.test(`The coordinators' routes refuse ${name}`, async () => {
    await using bed = new CoordinatorBed();
    bed.admin.add(coordinatorReport("tiny"));
    const { status, body: said } = await bed.ask(method, path, body);
    equal(status, want[0], JSON.stringify(said));
    match(said.error.message, want[1]);
    deepEqual([bed.admin.calls.filter((call) => !call.includes("c9")), bed.bugs], [[], []]);
  });
}

for (const path of [LOAD, "/api/admin/models/unload", "/api/admin/coordinators/c1/restart"]) {
  Deno.test(`POST ${path} takes nothing that a page of another site can send unasked`, async () => {
    await using bed = new CoordinatorBed();
    bed.admin.add(coordinatorReport("tiny"));
    for (const type of ["text/plain", "application/x-www-form-urlencoded"]) {
      const init = { headers: { "content-type": type } };
      equal((await bed.ask("POST", path, { model: "tiny" }, init)).status, 415);
    }
    equal((await bed.ask("POST", path, undefined, { headers: {} })).status, 415, "nothing at all");
    deepEqual(bed.admin.calls, []);
  });
}

Deno.test("POST /api/admin/coordinators/:id/restart needs no body, if it says what a page may not say", async () => {
  await using bed = new CoordinatorBed();
  bed.admin.add(coordinatorReport("tiny"));
  equal((await bed.ask("POST", "/api/admin/coordinators/c1/restart")).status, 200);
  deepEqual(bed.admin.calls, ["restart c1"]);
  const missing = await bed.ask("POST", LOAD);
  deepEqual([missing.status, missing.body.error.message], [400, `"model" is missing; it must be text`]);
});

Deno.test("The coordinators' routes want a key where there is one", async () => {
  await using bed = new CoordinatorBed({ apiKeys: ["k"] });
  for (const path of ["coordinators", "coordinators/c1", "coordinators/c1/log?follow=true", "events"]) {
    equal((await bed.ask("GET", `/api/admin/${path}`)).status, 401);
  }
  equal((await bed.ask("POST", LOAD, { model: "m" })).status, 401);
});

Deno.test("GET /api/admin/coordinators/:id/log gives the last lines as text", async () => {
  await using bed = new CoordinatorBed();
  bed.admin.add(coordinatorReport("tiny"));
  for (let count = 1; count <= 300; count++) bed.admin.logLines.push(`line ${count}`);
  const lines = async (query: string) => {
    const response = await fetch(`${bed.url}/api/admin/coordinators/tiny/log${query}`);
    match(response.headers.get("content-type")!, /^text\/plain/);
    return (await response.text()).split("\n").slice(0, -1);
  };
  deepEqual((await lines("")).length, 200);
  deepEqual(await lines("?tail=2"), ["line 299", "line 300"]);
  deepEqual(await lines("?tail=0"), []);
  equal((await lines("?tail=10000")).length, 300);
});
