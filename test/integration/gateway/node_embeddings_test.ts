import { deepEqual, equal, match, ok } from "node:assert/strict";
import { fakeEmbedding } from "../../fakes/fake_ollama_embedding.ts";
import { askedOf, MODEL, NodeRouteBed, OddNode, read } from "./node_route_bed.ts";

const PATH = "/v1/embeddings";
const BATCHES = { config: "nodes: { embedding_batch: 3 }" };
const HEDGED = { config: "nodes: { hedge_embeddings: 50ms }" };

function texts(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `text ${at}`);
}

function vectorsIn(text: string): number[][] {
  return JSON.parse(text).data.map(({ embedding }: { embedding: number[] }) => embedding);
}

Deno.test("many texts are split over the nodes, and come back in their order", async () => {
  await using bed = await NodeRouteBed.open([{ firstTokenMs: 30 }, {}], BATCHES);
  const input = texts(20);
  const { status, text, headers } = await read(bed.post(PATH, { model: MODEL, input }));
  equal(status, 200, text);
  deepEqual(vectorsIn(text), input.map((one) => fakeEmbedding(one)));
  const { data, usage } = JSON.parse(text);
  deepEqual(data.map(({ index }: { index: number }) => index), input.map((_, at) => at));
  equal(usage.prompt_tokens, 40);
  equal(headers.get("x-sollol-upstream"), "a, b");
  equal(headers.get("x-sollol-attempts"), "7");
  match(headers.get("x-sollol-decision")!, /^20 texts in 7 parts over a, b: /);
  ok(bed.askedCounts.every((count) => count > 0) && bed.askedCounts[0]! + bed.askedCounts[1]! === 7);
  await bed.untilIdle();
  equal(bed.gateway.requestLines.length, 1);
  equal(bed.gateway.requestLines[0]!["attemptCount"], 7);
  equal((await bed.get("/api/admin/decisions")).body.decisions.length, 1);
});

Deno.test("parts keep the form that was asked for, and the model's name at the node", async () => {
  await using bed = await NodeRouteBed.open([{}], BATCHES);
  const body = { model: "LLAMA3:8B", input: texts(5), encoding_format: "base64" };
  const { text } = await read(bed.post(PATH, body));
  ok(JSON.parse(text).data.every(({ embedding }: { embedding: unknown }) => typeof embedding === "string"));
  deepEqual(askedOf(bed.a).map(({ model }) => model), [MODEL, MODEL]);
});

for (const input of ["one text", ["one"], [1, 2, 3, 4, 5], texts(3)]) {
  Deno.test(`${JSON.stringify(input)} is one request as it came`, async () => {
    await using odd = new OddNode(() => Response.json({ object: "list", data: [] }));
    await using bed = await NodeRouteBed.open([odd], BATCHES);
    const body = { input, model: MODEL };
    equal((await read(bed.post(PATH, body))).text, `{"object":"list","data":[]}`);
    deepEqual(odd.asked, [JSON.stringify(body)]);
  });
}

Deno.test("a node that fails some parts is bettered by the others", async () => {
  await using bed = await NodeRouteBed.open([{}, {}], BATCHES);
  bed.a.behave("error_500", { times: 2 });
  const input = texts(20);
  const { status, text } = await read(bed.post(PATH, { model: MODEL, input }));
  equal(status, 200, text);
  deepEqual(vectorsIn(text), input.map((one) => fakeEmbedding(one)));
  await bed.untilIdle();
});

Deno.test("a part that is refused is the answer to all", async () => {
  await using odd = new OddNode(async (request) => {
    const { input } = await request.json();
    return input.includes("text 4")
      ? Response.json({ error: { message: "text 4 is too long" } }, { status: 400 })
      : Response.json({ object: "list", data: input.map(() => ({ embedding: [1] })) });
  });
  await using bed = await NodeRouteBed.open([odd], BATCHES);
  const { status, text } = await read(bed.post(PATH, { model: MODEL, input: texts(9) }));
  deepEqual([status, JSON.parse(text)], [400, { error: { message: "text 4 is too long" } }]);
  await bed.untilIdle();
  equal(bed.gateway.requestLines[0]!["outcome"], "refused");
});

Deno.test("a node that gives fewer vectors than texts is no answer", async () => {
  await using odd = new OddNode(() => Response.json({ object: "list", data: [{ embedding: [1] }] }));
  await using bed = await NodeRouteBed.open([odd], BATCHES);
  const { status, text } = await read(bed.post(PATH, { model: MODEL, input: texts(9) }));
  equal(status, 502);
  match(text, /a did not answer with one embedding for each of 3 texts/);
  await bed.untilIdle();
});

Deno.test("a client that leaves ends all parts", async () => {
  await using bed = await NodeRouteBed.open([{ firstTokenMs: 3_000 }], BATCHES);
  const left = new AbortController();
  const input = Array(30).fill("a"); // of a longer body `Deno.serve` would not tell that its client has left
  const asked = read(bed.post(PATH, { model: MODEL, input }, { signal: left.signal }));
  asked.catch(() => {});
  while (bed.a.inFlight === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  left.abort();
  await bed.untilIdle();
  ok(bed.askedCounts[0]! <= 4, "none was sent afterwards");
});

Deno.test("a slow node is hedged by another one, which answers; the slow one is given up, and nobody else is asked", async () => {
  await using bed = await NodeRouteBed.open([{ firstTokenMs: 60_000 }, {}, {}], HEDGED);
  const { status, text, headers } = await read(bed.post(PATH, { model: MODEL, input: "a" }));
  equal(status, 200, text);
  equal(headers.get("x-sollol-upstream"), "b");
  await bed.untilIdle();
  deepEqual([bed.askedCounts, bed.failedCounts, bed.a.abortedCount], [[1, 1, 0], [0, 0, 0], 1]);
  equal(bed.gateway.requestLines[0]!["attemptCount"], 2);
});

Deno.test("a slow node that is the first to answer in spite of all is the one", async () => {
  await using bed = await NodeRouteBed.open([{ firstTokenMs: 150 }, { firstTokenMs: 60_000 }], HEDGED);
  equal((await read(bed.post(PATH, { model: MODEL, input: "a" }))).headers.get("x-sollol-upstream"), "a");
  await bed.untilIdle();
  deepEqual([bed.askedCounts, bed.failedCounts], [[1, 1], [0, 0]]);
});

Deno.test("a slow node that is the only one is waited for", async () => {
  await using bed = await NodeRouteBed.open([{ firstTokenMs: 200 }], HEDGED);
  equal((await read(bed.post(PATH, { model: MODEL, input: "a" }))).status, 200);
  deepEqual(bed.askedCounts, [1]);
  await bed.untilIdle();
});

Deno.test("no model is loaded by us only to be faster", async () => {
  await using bed = await NodeRouteBed.open([{ firstTokenMs: 200 }], { ...HEDGED, models: [MODEL] });
  equal((await read(bed.post(PATH, { model: MODEL, input: "a" }))).headers.get("x-sollol-upstream"), "a");
  deepEqual(bed.gateway.coordinators, []);
});

Deno.test("what waits for a slot is not asked for twice", async () => {
  const settings = { slotCount: 1 };
  await using bed = await NodeRouteBed.open([{ settings, firstTokenMs: 100 }], HEDGED);
  const answers = await Promise.all(texts(4).map((input) => read(bed.post(PATH, { model: MODEL, input }))));
  deepEqual(answers.map(({ status }) => status), [200, 200, 200, 200]);
  deepEqual(bed.askedCounts, [4]);
  await bed.untilIdle();
});

Deno.test("a hedge that fails costs nothing", async () => {
  await using bed = await NodeRouteBed.open([{ firstTokenMs: 200 }, {}], HEDGED);
  bed.b.behave("error_500");
  const { status, headers } = await read(bed.post(PATH, { model: MODEL, input: "a" }));
  deepEqual([status, headers.get("x-sollol-upstream")], [200, "a"]);
  await bed.untilIdle();
  deepEqual(bed.askedCounts, [1, 1]);
});
