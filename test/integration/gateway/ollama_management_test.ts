import { deepEqual, equal, match, ok } from "node:assert/strict";
import { createHash } from "node:crypto";
import { FakeOllamaNode } from "../../fakes/fake_ollama_node.ts";
import { PULLED_BYTES } from "../../fakes/fake_ollama_management.ts";
import { nodeAt } from "../../fixtures/routing_bed.ts";
import { until } from "../../fixtures/until.ts";
import { GIB } from "../../../lib/units.ts";
import { OllamaBed } from "./ollama_bed.ts";

/** A busy machine gets more than the second that it should take. */
const SOON = { withinMs: 10_000 };

/** Nodes `a`, `b` and so on, with ever less memory, and a gateway over them. */
async function openBed(count: number, models: readonly { name: string }[][] = []) {
  await using owned = new AsyncDisposableStack();
  const nodes: FakeOllamaNode[] = [];
  for (let index = 0; index < count; index++) {
    nodes.push(owned.use(await FakeOllamaNode.start({ models: models[index] ?? [] })));
  }
  const settings = nodes.map((node, index) =>
    nodeAt(node.url, { name: "abc"[index]!, memoryBytes: (8 - index) * GIB })
  );
  const bed = owned.use(await OllamaBed.open({ nodes: settings }));
  const lifetime = owned.move();
  return { bed, nodes, [Symbol.asyncDispose]: () => lifetime.disposeAsync() };
}

function on(nodes: string): Record<string, string> {
  return { "x-sollol-node": nodes };
}

function pathsOf(node: FakeOllamaNode): string[] {
  return node.requests.map(({ path }) => path).filter((path) =>
    !/^\/api\/(version|tags|ps|show)$/.test(path)
  );
}

Deno.test("a model is pulled to the node with most room, its progress passes, and it is listed at once", async () => {
  await using opened = await openBed(2);
  const { bed, nodes: [a, b] } = opened;
  const response = await bed.send("POST", "/api/pull", { model: "tiny" });
  equal(response.status, 200);
  equal(response.headers.get("content-type"), "application/x-ndjson");
  equal(response.headers.get("x-sollol-upstream"), "a");
  const lines = (await response.text()).trim().split("\n").map((line) => JSON.parse(line));
  deepEqual(lines[0], { status: "pulling manifest" });
  deepEqual(lines.at(-1), { status: "success" });
  ok(lines.some(({ completed, total }) => completed === total && total === PULLED_BYTES));
  deepEqual(await bed.listed(), ["tiny:latest"]);
  deepEqual([pathsOf(a!), pathsOf(b!)], [["/api/pull"], []]);
});

Deno.test("a pull without a stream gives its last line", async () => {
  await using opened = await openBed(1);
  const { bed } = opened;
  const well = await bed.ask("POST", "/api/pull", { model: "tiny", stream: false });
  deepEqual([well.status, well.body], [200, { status: "success" }]);
  const badly = await bed.ask("POST", "/api/pull", { model: "missing", stream: false });
  deepEqual([badly.status, badly.body], [500, { error: "pull model manifest: file does not exist" }]);
});

Deno.test("a model that a node holds is brought up to date there", async () => {
  await using opened = await openBed(2, [[], [{ name: "tiny:latest" }]]);
  const { bed, nodes: [, b] } = opened;
  const { headers } = await bed.ask("POST", "/api/pull", { name: "TINY", stream: false });
  equal(headers.get("x-sollol-upstream"), "b");
  deepEqual(pathsOf(b!).filter((path) => path === "/api/pull"), ["/api/pull"]);
});

for (const wish of ["a,b,c", "*", "all"]) {
  Deno.test(`a pull to ${wish} is told as one`, async () => {
    await using opened = await openBed(3);
    const { bed, nodes } = opened;
    nodes[1]!.management.stepMs = 5;
    const lines = await bed.lines("/api/pull", { model: "tiny" }, on(wish));
    deepEqual(lines.filter(({ status }) => status === "success").length, 1);
    deepEqual(lines.at(-1), { status: "success" });
    for (const [digest, told] of Map.groupBy(lines, (line) => line["digest"])) {
      if (digest === undefined) continue;
      const completed = told.map((line) => Number(line["completed"] ?? 0));
      deepEqual(completed, completed.toSorted((one, other) => one - other), "goes back");
      deepEqual(completed.at(-1), 3 * PULLED_BYTES);
      deepEqual(new Set(told.map((line) => line["total"])), new Set([3 * PULLED_BYTES]));
    }
    deepEqual(nodes.map((node) => pathsOf(node).filter((path) => path === "/api/pull").length), [1, 1, 1]);
    deepEqual(bed.nodes.holdersOf(bed.catalog.keyOf("tiny")).map(({ name }) => name), ["a", "b", "c"]);
  });
}

for (
  const { name, spoil, reason } of [
    {
      name: "says an error",
      spoil: (node: FakeOllamaNode) => void (node.management.failure = "disk full"),
      reason: /disk full/,
    },
    {
      name: "breaks off",
      spoil: (node: FakeOllamaNode) => void (node.management.isCut = true),
      reason: /no whole answer/,
    },
    {
      name: "dies before",
      spoil: (node: FakeOllamaNode) => node.stop(),
      reason: /no whole answer|down/,
    },
  ]
) {
  Deno.test(`of several nodes one that ${name} keeps nobody from going on`, async () => {
    await using opened = await openBed(2);
    const { bed, nodes } = opened;
    await spoil(nodes[1]!);
    const lines = await bed.lines("/api/pull", { model: "tiny" }, on("a,b"));
    const last = lines.at(-1)!;
    match(String(last["error"]), /Cannot pull "tiny" on 1 of 2 nodes \(a could\): b: /);
    match(String(last["error"]), reason);
    match(String(last["error"]), /x-sollol-node: b$/);
    equal(lines.filter(({ error }) => error !== undefined).length, 1);
    equal(lines.some(({ status }) => status === "success"), false);
    ok(lines.some(({ status }) => /^node b failed: /.test(String(status))));
    deepEqual(await bed.listed(), ["tiny:latest"]);
  });
}

Deno.test("what one node says of its failure passes as it is; what breaks off is told in a line", async () => {
  await using opened = await openBed(1);
  const { bed, nodes: [a] } = opened;
  a!.management.failure = "disk full";
  deepEqual((await bed.lines("/api/pull", { model: "tiny" })).at(-1), { error: "disk full" });
  a!.management.failure = undefined;
  a!.management.isCut = true;
  const [last] = (await bed.lines("/api/pull", { model: "tiny" })).slice(-1);
  match(String(last!["error"]), /^Cannot pull "tiny": Node a gave no whole answer: /);
  deepEqual(bed.bugs, []);
});

for (const wish of ["a", "a,b"]) {
  Deno.test(`a client that leaves ends a pull to ${wish}`, async () => {
    await using opened = await openBed(2);
    const { bed, nodes } = opened;
    for (const node of nodes) node.management.stepMs = 60_000;
    const response = await bed.send("POST", "/api/pull", { model: "tiny" }, on(wish));
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
    const abandoned = () => nodes.filter(({ management }) => management.abandonedCount === 1).length;
    await until(() => abandoned() === wish.split(",").length, "the nodes are let off", SOON);
    deepEqual(bed.bugs, []);
  });
}

Deno.test("a client that leaves while nothing is told yet ends the pull", async () => {
  await using opened = await openBed(1);
  const { bed, nodes: [a] } = opened;
  a!.management.stepMs = 60_000;
  const left = new AbortController();
  const asked = fetch(`${bed.url}/api/pull`, {
    method: "POST",
    body: JSON.stringify({ model: "tiny", stream: false }),
    signal: left.signal,
  }).catch(() => {});
  await until(() => pathsOf(a!).includes("/api/pull"), "the node has the order");
  left.abort();
  await asked;
  await until(() => a!.management.abandonedCount === 1, "the node is let off", SOON);
});

Deno.test("delete, copy and push go to who holds the model", async () => {
  await using opened = await openBed(2, [[{ name: "x:1" }], [{ name: "tiny:latest" }]]);
  const { bed, nodes: [a, b] } = opened;
  const copied = await bed.ask("POST", "/api/copy", { source: "tiny", destination: "twin:latest" });
  deepEqual([copied.status, copied.body, copied.headers.get("x-sollol-upstream")], [200, undefined, "b"]);
  deepEqual(await bed.listed(), ["tiny:latest", "twin:latest", "x:1"]);
  deepEqual((await bed.lines("/api/push", { model: "twin" })).at(-1), { status: "success" });
  const deleted = await bed.ask("DELETE", "/api/delete", { model: "twin" });
  deepEqual([deleted.status, deleted.body], [200, undefined]);
  deepEqual(await bed.listed(), ["tiny:latest", "x:1"]);
  deepEqual([pathsOf(a!), pathsOf(b!)], [
    [],
    ["/api/copy", "/api/push", "/api/delete"],
  ]);
});

Deno.test("a model that two hold is deleted at one, which tells of the other, or at all that are wished for", async () => {
  const twice = [{ name: "tiny:latest" }];
  await using opened = await openBed(2, [twice, twice]);
  const { bed } = opened;
  const once = await bed.ask("DELETE", "/api/delete", { model: "tiny" });
  equal(once.headers.get("x-sollol-decision"), "it holds the model; b has it too");
  deepEqual(await bed.listed(), ["tiny:latest"]);
  equal((await bed.ask("DELETE", "/api/delete", { model: "tiny" }, on("*"))).status, 200);
  deepEqual(await bed.listed(), []);
  const never = await bed.ask("DELETE", "/api/delete", { model: "tiny" }, on("a,b"));
  deepEqual([never.status, never.body], [404, { error: "model 'tiny' not found" }]);
});

Deno.test("blobs, and the model that is made from them, go to one node, also when another has more room by then", async () => {
  await using opened = await openBed(2);
  const { bed, nodes: [a, b] } = opened;
  const digest = `sha256:${createHash("sha256").update("weights").digest("hex")}`;
  equal((await bed.send("HEAD", `/api/blobs/${digest}`)).status, 404);
  b!.addModel({ name: "big:1" });
  a!.addModel({ name: "big:1", residentBytes: 7 * GIB });
  a!.load("big:1");
  await bed.nodes.refresh({ signal: new AbortController().signal });
  equal((await bed.ask("POST", `/api/blobs/${digest}`, "weights")).status, 201);
  equal((await bed.ask("POST", `/api/blobs/${digest}`, "weights")).status, 200);
  equal((await bed.send("HEAD", `/api/blobs/${digest}`)).status, 200);
  const made = await bed.lines("/api/create", { model: "mine", files: { "m.gguf": digest } });
  deepEqual(made.at(-1), { status: "success" });
  ok((await bed.listed()).includes("mine:latest"));
  deepEqual(a!.requests.filter(({ path }) => path === "/api/create").length, 1);
  deepEqual(b!.requests.filter(({ path }) => path.startsWith("/api/blobs")), []);
});

Deno.test("a model is made where its blobs are, or where the model is that it is made from", async () => {
  await using opened = await openBed(2, [[], [{ name: "base:1" }]]);
  const { bed, nodes: [, b] } = opened;
  const digest = `sha256:${createHash("sha256").update("adapter").digest("hex")}`;
  equal((await bed.ask("POST", `/api/blobs/${digest}`, "adapter", on("b"))).status, 201);
  const adapted = await bed.send("POST", "/api/create", {
    model: "m1",
    from: "base:1",
    adapters: { "l.gguf": digest },
  });
  deepEqual([adapted.headers.get("x-sollol-upstream"), adapted.headers.get("x-sollol-decision")], [
    "b",
    "it has the blobs",
  ]);
  await adapted.body!.cancel();
  const derived = await bed.ask("POST", "/api/create", { model: "m2", from: "base:1", stream: false });
  equal(derived.headers.get("x-sollol-decision"), "it holds the model that it is made from");
  equal(b!.requests.filter(({ path }) => path === "/api/create").length, 2);
});

Deno.test("a blob that is not what it says is refused in the node's words", async () => {
  await using opened = await openBed(1);
  const { bed } = opened;
  const { status, body } = await bed.ask("POST", `/api/blobs/sha256:${"0".repeat(64)}`, "weights");
  equal(status, 400);
  match(body.error, /^digest mismatch, expected /);
});

for (
  const { name, method, path, body, headers = {}, status, error } of [
    {
      name: "an empty body",
      method: "POST",
      path: "/api/pull",
      body: "",
      status: 400,
      error: /missing request body/,
    },
    {
      name: "no model",
      method: "POST",
      path: "/api/pull",
      body: {},
      status: 400,
      error: /^invalid model name$/,
    },
    {
      name: "no model",
      method: "POST",
      path: "/api/push",
      body: {},
      status: 400,
      error: /^model is required$/,
    },
    {
      name: "no model",
      method: "POST",
      path: "/api/create",
      body: {},
      status: 400,
      error: /^invalid model name$/,
    },
    {
      name: "no model",
      method: "DELETE",
      path: "/api/delete",
      body: {},
      status: 400,
      error: /^model is required$/,
    },
    {
      name: "no source",
      method: "POST",
      path: "/api/copy",
      body: {},
      status: 400,
      error: /^source "" is invalid$/,
    },
    {
      name: "no destination",
      method: "POST",
      path: "/api/copy",
      body: { source: "a" },
      status: 400,
      error: /^destination "" is invalid$/,
    },
    {
      name: "a model that is a number",
      method: "POST",
      path: "/api/pull",
      body: { model: 5 },
      status: 400,
      error: /"model" must be text/,
    },
    { name: "a list", method: "POST", path: "/api/pull", body: [], status: 400, error: /JSON object/ },
    {
      name: "half a body",
      method: "POST",
      path: "/api/create",
      body: `{"model":`,
      status: 400,
      error: /not valid JSON/,
    },
    {
      name: "2 MiB",
      method: "POST",
      path: "/api/create",
      body: `{"model":"${"x".repeat(2 ** 21)}"}`,
      status: 413,
      error: /larger than/,
    },
    {
      name: "a digest that is a path",
      method: "POST",
      path: "/api/blobs/..%2F..%2Fshow",
      body: "x",
      status: 400,
      error: /^invalid digest format$/,
    },
    {
      name: "another method",
      method: "GET",
      path: "/api/pull",
      body: undefined,
      status: 405,
      error: /use POST/,
    },
    {
      name: "another method",
      method: "GET",
      path: `/api/blobs/sha256:${"0".repeat(64)}`,
      body: undefined,
      status: 405,
      error: /use HEAD or POST/,
    },
    {
      name: "a node that is not known",
      method: "POST",
      path: "/api/pull",
      body: { model: "m" },
      headers: on("z"),
      status: 404,
      error: /no Ollama node "z"/,
    },
    {
      name: "no node by name",
      method: "POST",
      path: "/api/pull",
      body: { model: "m" },
      headers: on(" , "),
      status: 400,
      error: /x-sollol-node/,
    },
    {
      name: "two nodes",
      method: "POST",
      path: `/api/blobs/sha256:${"0".repeat(64)}`,
      body: "x",
      headers: on("a,b"),
      status: 400,
      error: /one node at a time/,
    },
    {
      name: "a page of another site",
      method: "POST",
      path: "/api/pull",
      body: { model: "m" },
      headers: { origin: "http://evil.test" },
      status: 403,
      error: /may not do that/,
    },
    {
      name: "an account",
      method: "POST",
      path: "/api/me",
      body: undefined,
      status: 403,
      error: /belong to each node/,
    },
    {
      name: "an account",
      method: "POST",
      path: "/api/signout",
      body: undefined,
      status: 403,
      error: /belong to each node/,
    },
    {
      name: "an account",
      method: "DELETE",
      path: "/api/user/keys/abc",
      body: undefined,
      status: 403,
      error: /belong to each node/,
    },
  ] as const
) {
  Deno.test(`${method} ${path.slice(0, 30)} with ${name} is refused, and no node hears of it`, async () => {
    await using opened = await openBed(2);
    const { bed, nodes: [a, b] } = opened;
    const answer = await bed.ask(method, path, body, headers);
    equal(answer.status, status);
    deepEqual(Object.keys(answer.body), ["error"]);
    match(answer.body.error, error);
    deepEqual([pathsOf(a!), pathsOf(b!), bed.bugs], [[], [], []]);
  });
}

Deno.test("without a node, or with none that is up, there is a sentence on what to do", async () => {
  await using none = await openBed(0);
  const { status, body } = await none.bed.ask("POST", "/api/pull", { model: "m" }, on("a"));
  equal(status, 501);
  match(body.error, /^There is no Ollama node to pull to; add one with "sollol nodes --add URL"/);
  await using opened = await openBed(1);
  const { bed, nodes: [a] } = opened;
  await a!.stop();
  await bed.nodes.refresh({ signal: new AbortController().signal });
  const down = await bed.ask("POST", "/api/pull", { model: "m" });
  deepEqual([down.status, /^Cannot pull: no Ollama node is up; a is down: /.test(down.body.error)], [
    502,
    true,
  ]);
  const named = await bed.ask("DELETE", "/api/delete", { model: "m" }, on("a"));
  deepEqual([named.status, /^Cannot delete "m" on node a: it is down: /.test(named.body.error)], [502, true]);
});

Deno.test("a slash too much is redirected, as Ollama does", async () => {
  await using opened = await openBed(1);
  const response = await opened.bed.send("POST", "/api/pull/", { model: "m" });
  deepEqual([response.status, response.headers.get("location")], [307, "/api/pull"]);
  await response.body?.cancel();
});
