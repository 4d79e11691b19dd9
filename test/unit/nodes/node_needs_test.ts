import { deepEqual, equal, ok } from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { createLogger } from "../../../lib/log.ts";
import type { KnownNode } from "../../../lib/nodes/node.ts";
import { NodeNeeds } from "../../../lib/nodes/node_needs.ts";
import { GIB } from "../../../lib/units.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { FakeShowHttp } from "../../fakes/fake_show_http.ts";
import { knownNode, type KnownNodeWishes } from "../../fixtures/known_nodes.ts";
import { llama } from "../../fixtures/model_zoo/dense.ts";
import { shownModel } from "../../fixtures/shown_model.ts";

const SHOWN = shownModel(llama(), { parameters: "num_ctx 8192" });

interface Bed extends AsyncDisposable {
  readonly http: FakeShowHttp;
  readonly clock: FakeClock;
  readonly needs: NodeNeeds;
  readonly logged: string[];
}

function open(): Bed {
  const http = new FakeShowHttp(SHOWN);
  const clock = new FakeClock();
  const logged: string[] = [];
  const logger = createLogger({ sink: (line) => logged.push(line), level: "debug" });
  const needs = new NodeNeeds({ http, clock, logger, random: () => 0.5 });
  return { http, clock, needs, logged, [Symbol.asyncDispose]: () => needs[Symbol.asyncDispose]() };
}

/** Lets all that is under way go on as far as it can without time. */
async function settle(): Promise<void> {
  for (let count = 0; count < 5; count++) await turn();
}

function nodeOf(name: string, models: Record<string, string>, wishes: KnownNodeWishes = {}): KnownNode {
  const held = Object.fromEntries(Object.keys(models).map((key) => [key, 5 * GIB]));
  return knownNode(name, { held, digests: models, ...wishes });
}

Deno.test("a model's need is known by its size at once, and by its shape as soon as it was shown", async () => {
  await using bed = open();
  bed.http.set("a", "waits");
  bed.needs.learn(nodeOf("a", { "m:8b": "1" }));
  await settle();
  deepEqual(bed.needs.needOf("m:8b"), {
    bytes: 6 * GIB,
    weightBytes: 5 * GIB,
    contextSize: 4096,
    parameterCount: 8e9,
    source: "size",
  });
  bed.http.release();
  await settle();
  const { bytes, ...need } = bed.needs.needOf("m:8b")!;
  deepEqual(need, { weightBytes: 5 * GIB, contextSize: 8192, parameterCount: 1_000_000, source: "show" });
  ok(bytes > 5 * GIB && bytes < 5.1 * GIB, `${bytes}`);
});

Deno.test("a node is asked for what it calls the model, at its base path, with its key", async () => {
  await using bed = open();
  bed.needs.learn(
    nodeOf("a", { "m:8b": "1" }, { basePath: "/ollama", headers: [["authorization", "Bearer k"]] }),
  );
  await settle();
  const { method, target, headers } = bed.http.lastRequest!;
  deepEqual([bed.http.asked, method, target], [["a m:8b"], "POST", "/ollama/api/show"]);
  deepEqual(headers!.at(-1), ["authorization", "Bearer k"]);
});

Deno.test("one node is asked for each model, however many hold it and however often they tell", async () => {
  await using bed = open();
  bed.http.set("a", "waits");
  const [a, b] = [nodeOf("a", { x: "1", y: "1" }), nodeOf("b", { x: "1" })];
  for (const node of [a, b, a, b]) bed.needs.learn(node);
  await settle();
  equal(bed.http.asked.length, 1);
  bed.http.release();
  await settle();
  for (const node of [a, b]) bed.needs.learn(node);
  bed.clock.advance(3_600_000);
  await settle();
  equal(bed.http.asked.length, 1);
  equal(bed.needs.needOf("y")!.source, "show");
});

for (
  const { name, change } of [
    { name: "is removed", change: (bed: Bed, a: KnownNode) => bed.needs.forget(a) },
    {
      name: "holds it no longer",
      change: (bed: Bed, a: KnownNode) => bed.needs.learn(Object.assign(a, { models: new Map() })),
    },
  ]
) {
  Deno.test(`another node is asked if the one that is asked ${name} meanwhile`, async () => {
    await using bed = open();
    bed.http.set("a", "waits");
    const a = nodeOf("a", { x: "1" });
    for (const node of [a, nodeOf("b", { x: "1" })]) bed.needs.learn(node);
    await settle();
    change(bed, a);
    bed.http.set("a", { status: 404, text: "" });
    bed.http.release();
    await settle();
    bed.clock.advance(1);
    await settle();
    deepEqual([bed.http.asked, bed.needs.needOf("x")!.source], [["a x", "b x"], "show"]);
  });
}

Deno.test("a node that lists something else each time is asked about a model in vain once", async () => {
  await using bed = open();
  bed.http.set("a", { status: 404, text: "" });
  const a = nodeOf("a", { x: "1" });
  for (let at = 0; at < 5; at++) {
    const models = new Map([...a.models].map(([key, model]) => [key, { ...model, modifiedAtMs: at }]));
    bed.needs.learn(Object.assign(a, { models }));
    await settle();
  }
  equal(bed.http.asked.length, 1);
});

Deno.test("two requests at a time are under way at most", async () => {
  await using bed = open();
  bed.http.set("a", "waits");
  bed.needs.learn(
    nodeOf("a", Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`m${index}`, `${index}`]))),
  );
  for (let count = 0; count < 20; count++) {
    await settle();
    bed.http.release();
  }
  await settle();
  deepEqual([bed.http.asked.length, bed.http.peakCount], [20, 2]);
});

Deno.test("a node that cannot be reached is asked again later, and later still", async () => {
  await using bed = open();
  bed.http.set("a", "refused");
  bed.needs.learn(nodeOf("a", { x: "1" }));
  await settle();
  const counts: number[] = [];
  for (const ms of [999, 1, 1_999, 1, 4_000]) {
    bed.clock.advance(ms);
    await settle();
    counts.push(bed.http.asked.length);
  }
  deepEqual(counts, [1, 2, 2, 3, 4]);
  equal(bed.needs.needOf("x")!.source, "size");
  bed.http.set("a", { status: 200, text: SHOWN });
  bed.clock.advance(60_000);
  await settle();
  equal(bed.needs.needOf("x")!.source, "show");
});

Deno.test("a node in trouble is left alone with all its models, and others that hold them are asked", async () => {
  await using bed = open();
  bed.http.set("a", { status: 500, text: "" });
  bed.needs.learn(nodeOf("a", { x: "1", y: "2", z: "3", w: "4" }));
  await settle();
  equal(bed.http.asked.length, 2, "those that were under way together");
  bed.needs.learn(nodeOf("b", { x: "1", y: "2", z: "3", w: "4" }));
  await settle();
  deepEqual(["x", "y", "z", "w"].map((key) => bed.needs.needOf(key)!.source), [
    "show",
    "show",
    "show",
    "show",
  ]);
  equal(bed.http.asked.filter((line) => line.startsWith("a ")).length, 2);
});

for (
  const { name, behaviour } of [
    { name: "404", behaviour: { status: 404, text: '{"error":"model not found"}' } },
    { name: "a redirect", behaviour: { status: 302, text: "" } },
    { name: "a page", behaviour: { status: 200, text: "<html>hello</html>" } },
    { name: "bytes that are no HTTP", behaviour: "malformed" as const },
    {
      name: "a model of another world",
      behaviour: { status: 200, text: shownModel(llama(), { info: { "llama.block_count": 1e300 } }) },
    },
    { name: "our own bug", behaviour: "breaks" as const },
  ]
) {
  Deno.test(`a node that answers with ${name} is not asked again before it lists the model anew`, async () => {
    await using bed = open();
    bed.http.set("a", behaviour);
    const node = nodeOf("a", { x: "1" });
    bed.needs.learn(node);
    for (let count = 0; count < 10; count++) {
      await settle();
      bed.clock.advance(60_000);
    }
    deepEqual([bed.http.asked.length, bed.needs.needOf("x")!.source], [1, "size"]);
    bed.http.set("a", { status: 200, text: SHOWN });
    const { models } = node;
    for (const listed of [new Map(), models]) bed.needs.learn(Object.assign(node, { models: listed }));
    await settle();
    equal(bed.needs.needOf("x")!.source, "show");
  });
}

Deno.test("where one node has nothing to tell, the next one is asked", async () => {
  await using bed = open();
  bed.http.set("a", { status: 404, text: "" });
  bed.needs.learn(nodeOf("a", { x: "1" }));
  bed.needs.learn(nodeOf("b", { x: "1" }));
  await settle();
  bed.clock.advance(0);
  await settle();
  deepEqual(bed.http.asked, ["a x", "b x"]);
  equal(bed.needs.needOf("x")!.source, "show");
});

Deno.test("a node that never answers is given up after 10 s, and asked again", async () => {
  await using bed = open();
  bed.http.set("a", "waits");
  bed.needs.learn(nodeOf("a", { x: "1" }));
  await settle();
  bed.clock.advance(10_000);
  await settle();
  equal(bed.http.waitingCount, 0);
  bed.clock.advance(1_000);
  await settle();
  equal(bed.http.asked.length, 2);
});

Deno.test("a node that is down is asked once it is up, without being told of", async () => {
  await using bed = open();
  const node = nodeOf("a", { x: "1" }, { health: "down" }) as {
    -readonly [K in keyof KnownNode]: KnownNode[K];
  };
  bed.needs.learn(node);
  await settle();
  equal(bed.http.asked.length, 0);
  node.health = "up";
  bed.clock.advance(30_000);
  await settle();
  equal(bed.needs.needOf("x")!.source, "show");
});

Deno.test("a request for what nobody holds any more is ended, and its model forgotten", async () => {
  await using bed = open();
  bed.http.set("a", "waits");
  bed.needs.learn(nodeOf("a", { "m:8b": "1" }));
  await settle();
  equal(bed.http.waitingCount, 1);
  bed.needs.forget({ url: "http://a:11434" });
  await settle();
  equal(bed.http.waitingCount, 0);
  equal(bed.needs.needOf("m:8b")!.source, "name");
  equal(bed.needs.needOf("m"), undefined);
});

Deno.test("where a name means several models, the digest tells which, and else the largest counts", async () => {
  await using bed = open();
  for (const name of ["a", "b"]) bed.http.set(name, { status: 404, text: "" });
  bed.needs.learn(knownNode("a", { held: { x: 10 * GIB }, digests: { x: "1" } }));
  bed.needs.learn(knownNode("b", { held: { x: 20 * GIB }, digests: { x: "2" } }));
  await settle();
  const bytes = (digest?: string) => bed.needs.needOf("x", digest)!.bytes;
  deepEqual(
    [bytes("1"), bytes("2"), bytes(), bytes("3"), bytes("")],
    [12, 24, 24, 24, 24].map((gib) => gib * GIB),
  );
});

Deno.test("a model of no size is known by its name", async () => {
  await using bed = open();
  bed.needs.learn(knownNode("a", { held: { "m:8b": 0 }, digests: { "m:8b": "1" } }));
  await settle();
  deepEqual([bed.needs.needOf("m:8b")!.source, bed.http.asked], ["name", []]);
});

Deno.test("disposal ends what is under way; nothing is asked afterwards", async () => {
  const bed = open();
  bed.http.set("a", "waits");
  bed.needs.learn(nodeOf("a", { x: "1", y: "2", z: "3" }));
  await settle();
  await bed[Symbol.asyncDispose]();
  bed.needs.learn(nodeOf("b", { w: "4" }));
  bed.clock.advance(3_600_000);
  await settle();
  deepEqual([bed.http.waitingCount, bed.http.asked.length], [0, 2]);
  deepEqual(bed.logged.filter((line) => line.includes('"error"')), []);
});
