import { deepEqual, equal, match, ok } from "node:assert/strict";
import { createHash } from "node:crypto";
import type { FakeOllamaNode } from "../../fakes/fake_ollama_node.ts";
import { PULLED_BYTES } from "../../fakes/fake_ollama_management.ts";
import { until } from "../../fixtures/until.ts";
import { GIB } from "../../../lib/units.ts";
import { on, openManagementBed, pathsOf } from "./management_bed.ts";

/** A busy machine gets more than the second that it should take. */
const SOON = { withinMs: 10_000 };

Deno.test("a model is pulled to the node with most room, its progress passes, and it is listed at once", async () => {
  await using opened = await openManagementBed(2);
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
  await using opened = await openManagementBed(1);
  const { bed } = opened;
  const well = await bed.ask("POST", "/api/pull", { model: "tiny", stream: false });
  deepEqual([well.status, well.body], [200, { status: "success" }]);
  const badly = await bed.ask("POST", "/api/pull", { model: "missing", stream: false });
  deepEqual([badly.status, badly.body], [500, { error: "pull model manifest: file does not exist" }]);
});

Deno.test("a model that a node holds is brought up to date there", async () => {
  await using opened = await openManagementBed(2, [[], [{ name: "tiny:latest" }]]);
  const { bed, nodes: [, b] } = opened;
  const { headers } = await bed.ask("POST", "/api/pull", { name: "TINY", stream: false });
  equal(headers.get("x-sollol-upstream"), "b");
  deepEqual(pathsOf(b!).filter((path) => path === "/api/pull"), ["/api/pull"]);
});

for (const wish of ["a,b,c", "*", "all"]) {
  Deno.test(`a pull to ${wish} is told as one`, async () => {
    await using opened = await openManagementBed(3);
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
    await using opened = await openManagementBed(2);
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
  await using opened = await openManagementBed(1);
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
    await using opened = await openManagementBed(2);
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
  await using opened = await openManagementBed(1);
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
  await using opened = await openManagementBed(2, [[{ name: "x:1" }], [{ name: "tiny:latest" }]]);
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

Deno.test("a model that several hold is copied and deleted at all of them, so that a model can be renamed", async () => {
  const held = [{ name: "tiny:latest" }];
  await using opened = await openManagementBed(3, [held, [], held]);
  const { bed, nodes: [, b] } = opened;
  const copied = await bed.ask("POST", "/api/copy", { source: "tiny", destination: "twin:latest" });
  deepEqual([copied.status, copied.headers.get("x-sollol-upstream")], [200, "a,c"]);
  equal(copied.headers.get("x-sollol-decision"), "all that hold the model");
  const deleted = await bed.ask("DELETE", "/api/delete", { model: "tiny" });
  deepEqual([deleted.status, deleted.body, deleted.headers.get("x-sollol-upstream")], [
    200,
    undefined,
    "a,c",
  ]);
  deepEqual(await bed.listed(), ["twin:latest"]);
  deepEqual(bed.nodes.holdersOf(bed.catalog.keyOf("twin")).map(({ name }) => name), ["a", "c"]);
  deepEqual(pathsOf(b!), []);
  const again = await bed.ask("DELETE", "/api/delete", { model: "tiny" });
  deepEqual([again.status, again.body], [404, { error: "model 'tiny' not found" }]);
  equal(again.headers.get("x-sollol-decision"), "no node is known to hold the model");
});

Deno.test("a model is deleted where the client wants it, and stays elsewhere", async () => {
  const held = [{ name: "tiny:latest" }];
  await using opened = await openManagementBed(2, [held, held]);
  const { bed } = opened;
  const once = await bed.ask("DELETE", "/api/delete", { model: "tiny" }, on("a"));
  deepEqual([once.status, once.headers.get("x-sollol-upstream")], [200, "a"]);
  deepEqual(await bed.listed(), ["tiny:latest"]);
  const all = await bed.ask("DELETE", "/api/delete", { model: "tiny" }, on("*"));
  deepEqual([all.status, all.headers.get("x-sollol-upstream")], [200, "b"]);
  deepEqual(await bed.listed(), []);
  const never = await bed.ask("DELETE", "/api/delete", { model: "tiny" }, on("a,b"));
  deepEqual([never.status, never.body], [404, { error: "model 'tiny' not found" }]);
});

Deno.test("a model is deleted at all holders that are up, and it is told who is missing", async () => {
  const held = [{ name: "tiny:latest" }];
  await using opened = await openManagementBed(2, [held, held]);
  const { bed, nodes: [, b] } = opened;
  await b!.stop();
  await bed.nodes.refresh({ signal: new AbortController().signal });
  const { status, headers } = await bed.ask("DELETE", "/api/delete", { model: "tiny" });
  deepEqual([status, headers.get("x-sollol-upstream")], [200, "a"]);
  equal(headers.get("x-sollol-decision"), "all that hold the model but for b, which is down");
});

Deno.test("if one of several cannot delete a model, it is named, and it is gone from the others", async () => {
  const held = [{ name: "tiny:latest" }];
  await using opened = await openManagementBed(2, [held, held]);
  const { bed, nodes: [, b] } = opened;
  await b!.stop();
  const { status, body } = await bed.ask("DELETE", "/api/delete", { model: "tiny" });
  equal(status, 502);
  match(body.error, /^Cannot delete "tiny" on 1 of 2 nodes: b: /);
  deepEqual(bed.nodes.holdersOf(bed.catalog.keyOf("tiny")).map(({ name }) => name), ["b"]);
});

Deno.test("each order has one line in the log, with where it went and what became of it", async () => {
  await using opened = await openManagementBed(2);
  const { bed } = opened;
  const ordered = async (...order: Parameters<typeof bed.send>) => {
    const response = await bed.send(...order);
    await response.body?.cancel();
    return bed.logLines.filter(({ message }) => message === "order").at(-1)!;
  };
  await bed.lines("/api/pull", { model: "tiny" }, on("a,b"));
  const lines = bed.logLines.filter(({ message }) => message === "order");
  equal(lines.length, 1);
  const { requestId, durationMs, ...pulled } = lines[0]!;
  equal(typeof requestId, "string");
  equal(typeof durationMs, "number");
  const { order, model, outcome, status, nodes, because, level } = pulled;
  deepEqual({ order, model, outcome, status, nodes, because, level }, {
    ...{ order: "pull", model: "tiny", outcome: "ok", status: 200, level: "info" },
    ...{ nodes: ["a", "b"], because: "the client wants it so" },
  });
  const deleted = await ordered("DELETE", "/api/delete", { model: "tiny" });
  deepEqual([deleted["order"], deleted["nodes"], deleted["outcome"]], ["delete", ["a", "b"], "ok"]);
  const missing = await ordered("DELETE", "/api/delete", { model: "tiny" });
  deepEqual([missing["outcome"], missing["status"], missing["error"]], [
    ...["refused", 404, "model 'tiny' not found"],
  ]);
});

Deno.test("blobs, and the model that is made from them, go to one node, also when another has more room by then", async () => {
  await using opened = await openManagementBed(2);
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
  await using opened = await openManagementBed(2, [[], [{ name: "base:1" }]]);
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
  await using opened = await openManagementBed(1);
  const { bed } = opened;
  const { status, body } = await bed.ask("POST", `/api/blobs/sha256:${"0".repeat(64)}`, "weights");
  equal(status, 400);
  match(body.error, /^digest mismatch, expected /);
});
