import { deepEqual, equal, match } from "node:assert/strict";
import { GIB } from "../../../lib/units.ts";
import { AdminBed } from "./admin_bed.ts";

const device = { name: "CPU", kind: "cpu", total_bytes: 16 * GIB, free_bytes: 9 * GIB, memory_key: "ram" };
const backend = {
  endpoint: "10.0.0.7:50052",
  is_running: true,
  restart_count: 0,
  held_by: [],
  devices: [device],
};
const report = {
  name: "shelf-2",
  version: "0.1.0",
  is_draining: false,
  protocol: "8.0.0",
  build: "b11669",
  host: { cpu_count: 8, memory_total_bytes: 16 * GIB, memory_available_bytes: 9 * GIB },
  backends: [backend],
};

Deno.test("PUT /api/workers/NAME hands on the report and where it came from, and answers the reply", async () => {
  await using bed = new AdminBed();
  const { status, body } = await bed.ask("PUT", "/api/workers/shelf-2", report);
  deepEqual([status, body], [200, { timeout_ms: 6_000, in_use: [] }]);
  deepEqual(bed.admin.reports, [{ report, from: "127.0.0.1" }]);
});

Deno.test("DELETE /api/workers/NAME takes the worker back, known or not", async () => {
  await using bed = new AdminBed();
  const { status, body } = await bed.ask("DELETE", "/api/workers/shelf%202");
  deepEqual([status, body], [200, { name: "shelf 2", outcome: "left" }]);
  deepEqual(bed.admin.left, ["shelf 2"]);
});

for (
  const { name, body, field, want } of [
    {
      name: "another worker's name",
      body: { ...report, name: "other" },
      field: "name",
      want: /worker "other" was sent as that of "shelf-2"/,
    },
    { name: "nothing", body: {}, field: "name", want: /"name"/ },
    {
      name: "negative memory",
      body: reportOf({ free_bytes: -1 }),
      field: "backends[0].devices[0].free_bytes",
      want: /free_bytes/,
    },
    {
      name: "absurd memory",
      body: reportOf({ total_bytes: 2 ** 60 }),
      field: "backends[0].devices[0].total_bytes",
      want: /total_bytes/,
    },
    {
      name: "more free than there is",
      body: reportOf({ free_bytes: 17 * GIB }),
      field: "backends[0].devices[0].free_bytes",
      want: /must not have more free_bytes/,
    },
    {
      name: "half a byte",
      body: reportOf({ free_bytes: 0.5 }),
      field: "backends[0].devices[0].free_bytes",
      want: /must be a whole number/,
    },
    {
      name: "a device of no kind",
      body: reportOf({ kind: "tpu" }),
      field: "backends[0].devices[0].kind",
      want: /kind/,
    },
    { name: "an unknown field", body: { ...report, admin: true }, field: "admin", want: /no such field/ },
    {
      name: "an IPv6 endpoint",
      body: { ...report, backends: [{ ...backend, endpoint: "[::1]:1" }] },
      field: "backends[0].endpoint",
      want: /IPv4 only/,
    },
    {
      name: "a public address",
      body: { ...report, backends: [{ ...backend, endpoint: "8.8.8.8:50052" }] },
      field: "backends[0].endpoint",
      want: /8\.8\.8\.8 is a public address/,
    },
    {
      name: "port 0",
      body: { ...report, backends: [{ ...backend, endpoint: "a:0" }] },
      field: "backends[0].endpoint",
      want: /"0" is no port/,
    },
    {
      name: "a hundred backends",
      body: { ...report, backends: Array(100).fill(backend) },
      field: "backends",
      want: /64/,
    },
    { name: "a list", body: [report], field: null, want: /^The body must be an object, not a list$/ },
  ]
) {
  Deno.test(`PUT /api/workers/NAME refuses ${name}, and names the field`, async () => {
    await using bed = new AdminBed();
    const answer = await bed.ask("PUT", "/api/workers/shelf-2", body);
    equal(answer.status, 400);
    match(answer.body.error.message, want);
    equal(answer.body.error.param, field);
    deepEqual([bed.admin.reports, bed.bugs], [[], []]);
  });
}

function reportOf(fields: Record<string, unknown>) {
  return { ...report, backends: [{ ...backend, devices: [{ ...device, ...fields }] }] };
}

Deno.test("a report is refused that is larger than any worker needs, also if it hides its length", async () => {
  await using bed = new AdminBed();
  const text = JSON.stringify({ ...report, version: "x".repeat(300_000) });
  const headers = { "content-type": "application/json" };
  for (const body of [text, new Blob([text]).stream()]) {
    const response = await fetch(`${bed.url}/api/workers/shelf-2`, { method: "PUT", headers, body });
    equal(response.status, 413);
    match((await response.json()).error.message, /larger than 256\.0 KiB/);
  }
  equal(bed.admin.reports.length, 0);
});

for (
  const { name, apiKeys, workerToken, shown, status } of [
    { name: "anybody where nothing is set", status: 200 },
    { name: "the token where one is set", workerToken: "w", shown: "w", status: 200 },
    { name: "no token where one is set", workerToken: "w", status: 401 },
    { name: "a wrong token", workerToken: "w", shown: "ww", status: 401 },
    { name: "an empty token", workerToken: "w", shown: "", status: 401 },
    { name: "a token without end", workerToken: "w", shown: "w".repeat(10_000), status: 401 },
    { name: "an API key, which may do all", workerToken: "w", apiKeys: ["k"], shown: "k", status: 200 },
    { name: "an API key where only those are set", apiKeys: ["k"], shown: "k", status: 200 },
    { name: "nothing where API keys are set", apiKeys: ["k"], status: 401 },
  ] as { name: string; apiKeys?: string[]; workerToken?: string; shown?: string; status: number }[]
) {
  Deno.test(`joining with ${name} is answered ${status}`, async () => {
    await using bed = new AdminBed({ ...(apiKeys && { apiKeys }), ...(workerToken && { workerToken }) });
    const headers: Record<string, string> = shown === undefined ? {} : { authorization: `Bearer ${shown}` };
    const answer = await bed.ask("PUT", "/api/workers/shelf-2", report, headers);
    equal(answer.status, status);
    if (status === 401) match(answer.body.error.message, /start the worker with --token/);
    equal((await bed.ask("DELETE", "/api/workers/shelf-2", undefined, headers)).status, status);
    deepEqual([bed.admin.reports.length, bed.admin.left.length], status === 200 ? [1, 1] : [0, 0]);
  });
}

Deno.test("a worker's route knows its methods", async () => {
  await using bed = new AdminBed();
  const { status, headers } = await bed.ask("POST", "/api/workers/x", "{}");
  deepEqual([status, headers.get("allow")], [405, "PUT, DELETE"]);
  equal((await bed.ask("GET", "/api/workers")).status, 404);
});
