import { deepEqual, equal, match } from "node:assert/strict";
import { GIB } from "../../../lib/units.ts";
import { heldModel, nodeView } from "../../fixtures/node_views.ts";
import { NodeBed } from "./node_bed.ts";

const NODES = "/api/admin/nodes";

Deno.test("GET /api/admin/nodes shows all that is known of each, and null for what is not, or never ends", async () => {
  await using bed = new NodeBed();
  const loaded = { key: "a", name: "a", sizeBytes: 5, vramBytes: 4, expiresAtMs: Infinity };
  const view = nodeView("gpu", { models: [heldModel("a")], resident: [loaded] });
  bed.nodes.views.push(view);
  const { status, body } = await bed.ask("GET", NODES);
  equal(status, 200);
  const nulls = (_key: string, value: unknown) => value === undefined ? null : value;
  const whole = { ...view, models: [{ ...heldModel("a"), tokensPerSecond: undefined }] };
  deepEqual(body, { nodes: [JSON.parse(JSON.stringify(whole, nulls))] });
  equal(body.nodes[0].resident[0].expiresAtMs, null);
});

Deno.test("GET /api/admin/nodes?models=false counts what each holds, and tells where they hold different models", async () => {
  await using bed = new NodeBed();
  const loaded = { key: "a", name: "a", sizeBytes: 5, vramBytes: 4, expiresAtMs: Infinity };
  const models = [heldModel("a", "1".repeat(64)), heldModel("b")];
  bed.nodes.views.push(
    nodeView("gpu", { models, resident: [loaded] }),
    nodeView("cpu", { models: [heldModel("a", "2".repeat(64))] }),
  );
  const { body } = await bed.ask("GET", `${NODES}?models=false`);
  const [{ name, modelCount, residentCount, residentBytes, ...others }] = body.nodes;
  deepEqual([name, modelCount, residentCount, residentBytes], ["gpu", 2, 1, 5]);
  deepEqual(["models" in others, "resident" in others, others.version], [false, false, "0.33.0"]);
  const variants = [{ digest: "1".repeat(64), nodes: ["gpu"] }, { digest: "2".repeat(64), nodes: ["cpu"] }];
  deepEqual(body.conflicts, [{ key: "a", name: "a", variants }]);
});

Deno.test("a known node that is registered by another name is no new one", async () => {
  await using bed = new NodeBed();
  equal((await bed.ask("POST", NODES, { url: "gpu.lan", name: "gpu" })).status, 201);
  equal((await bed.ask("POST", NODES, { url: "gpu.lan", name: "big" })).status, 200);
});

Deno.test("POST /api/admin/nodes takes all that can be said, and answers 201 for a new one and 200 for a known one", async () => {
  await using bed = new NodeBed();
  const node = {
    url: "GPU.lan",
    name: "gpu",
    slots: 2,
    weight: 2,
    tags: ["big"],
    models: ["a*"],
    memory: "24GiB",
  };
  const first = await bed.ask("POST", NODES, node);
  deepEqual([first.status, first.body.name, first.body.health], [201, "gpu", "up"]);
  equal((await bed.ask("POST", NODES, { url: "gpu.lan", name: "gpu" })).status, 200);
  deepEqual(bed.nodes.said, [
    {
      url: "http://gpu.lan:11434",
      name: "gpu",
      slotCount: 2,
      weight: 2,
      tags: ["big"],
      models: ["a*"],
      memoryBytes: 24 * GIB,
    },
    { url: "http://gpu.lan:11434", name: "gpu" },
  ]);
});

for (
  const { name, body, field, want } of [
    { name: "nothing", body: {}, field: "url", want: /"url" is missing; it must be text/ },
    { name: "a list", body: [], field: null, want: /The body must be an object/ },
    { name: "no JSON", body: "{", field: null, want: /not valid JSON/ },
    {
      name: "a metadata service",
      body: { url: "169.254.169.254" },
      field: "url",
      want: /hands out its secrets/,
    },
    {
      name: "that in other words",
      body: { url: "http://[::ffff:a9fe:a9fe]" },
      field: "url",
      want: /hands out its/,
    },
    { name: "a name that leads there", body: { url: "evil.lan" }, field: "url", want: /its name leads to/ },
    { name: "a socket", body: { url: "unix:/run/docker.sock" }, field: "url", want: /it is a socket/ },
    { name: "a file", body: { url: "file:///etc/passwd" }, field: "url", want: /not an upstream URL/ },
    { name: "no slots", body: { url: "a", slots: 0 }, field: "slots", want: /must be at least 1/ },
    {
      name: "a key",
      body: { url: "a", api_key: "hunter2" },
      field: "api_key",
      want: /no such field is known/,
    },
    { name: "a hostile name", body: { url: "a", name: "<script>" }, field: "name", want: /must be letters/ },
  ]
) {
  Deno.test(`POST /api/admin/nodes refuses ${name}`, async () => {
    await using bed = new NodeBed();
    const answer = await bed.ask("POST", NODES, body);
    equal(answer.status, 400);
    match(answer.body.error.message, want);
    equal(answer.body.error.param ?? null, field);
    deepEqual([bed.nodes.views, bed.bugs], [[], []]);
  });
}

Deno.test("POST /api/admin/nodes never repeats a password, nor takes a huge body or one that a web page may send", async () => {
  await using bed = new NodeBed();
  const { status, body } = await bed.ask("POST", NODES, { url: "http://ada:hunter2@gpu" });
  equal(status, 400);
  equal(JSON.stringify(body).includes("hunter2"), false);
  equal((await bed.ask("POST", NODES, { url: "a", tags: ["x".repeat(200_000)] })).status, 413);
  equal((await bed.ask("POST", NODES, { url: "a" }, { "content-type": "text/plain" })).status, 415);
  deepEqual(bed.nodes.said, []);
});

for (const path of [`${NODES}/gpu.lan`, `${NODES}/http%3A%2F%2Fgpu.lan%3A11434`, `${NODES}?node=gpu.lan`]) {
  Deno.test(`DELETE ${path} forgets a node`, async () => {
    await using bed = new NodeBed();
    bed.nodes.views.push(nodeView("gpu.lan", { sources: ["admin"] }));
    const { status, body } = await bed.ask("DELETE", path);
    deepEqual([status, body], [200, { name: "gpu.lan", outcome: "removed", reason: "gpu.lan is forgotten" }]);
    equal((await bed.ask("DELETE", path)).status, 404);
  });
}

Deno.test("DELETE /api/admin/nodes refuses what the configuration names, and nobody", async () => {
  await using bed = new NodeBed();
  bed.nodes.views.push(nodeView("gpu"));
  equal((await bed.ask("DELETE", `${NODES}/gpu`)).status, 409);
  equal((await bed.ask("DELETE", NODES)).status, 404);
});

Deno.test("/api/admin/nodes wants an API key, and other methods are told which there are", async () => {
  await using bed = new NodeBed({ apiKeys: ["k"] });
  equal((await bed.ask("GET", NODES)).status, 401);
  equal((await bed.ask("POST", NODES, { url: "a" })).status, 401);
  const { status, headers } = await bed.ask("PUT", NODES, {}, { authorization: "Bearer k" });
  deepEqual([status, headers.get("allow")], [405, "GET, POST, DELETE"]);
});
