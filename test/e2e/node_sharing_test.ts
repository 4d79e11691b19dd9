import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { fakeEmbedding } from "../fakes/fake_ollama_embedding.ts";
import { ask } from "./ask.ts";
import { chat, ChatStream } from "./chat.ts";
import { eventually } from "./eventually.ts";
import { askedTimes, testSentences } from "./node_case.ts";
import { newConversation, postEmbeddings } from "./node_clients.ts";
import { seeChat } from "./node_moods.ts";

const QUEUE_COUNT = 3;

const CONFIG = {
  timeouts: { stall: "2s", connect: "1s" },
  limits: { queue: QUEUE_COUNT },
  nodes: { check_every: "500ms", hedge_embeddings: "1s", embedding_batch: 64 },
  fallbacks: { "strong:70b": ["weak:1b"] },
};

testSentences("requests share the nodes", CONFIG, [
  ["a node that asks for a pause gets it, and whoever needs it waits so long", async (bed) => {
    const node = await bed.hold("tired", ["tired:1b"]);
    node.behave("busy_429", { retryAfter: "2", times: 1 });
    const answers = await Promise.all([
      chat(bed.url, { model: "tired:1b" }),
      eventually("it was asked", () => askedTimes(node).length > 0).then(() =>
        chat(bed.url, { model: "tired:1b" })
      ),
    ]);
    deepEqual(answers.map(({ status }) => status), [200, 200]);
    const [first = 0, second = 0] = askedTimes(node);
    ok(second - first >= 1_900, `it was asked again after ${second - first} ms`);
    equal((await bed.gateway.nodeView("tired")).failedCount, 0);
  }],

  ["two requests never take the last slot of a node both", async (bed) => {
    const pace = { tokensPerSecond: 200, entry: { slots: 1 } };
    const nodes = [
      await bed.hold("narrow-a", ["narrow:1b"], pace),
      await bed.hold("narrow-b", ["narrow:1b"], pace),
    ];
    const asked = Array.from({ length: 2 + QUEUE_COUNT }, () => seeChat(bed.url, "narrow:1b", false));
    deepEqual((await Promise.all(asked)).map(({ status }) => status), asked.map(() => 200));
    deepEqual(nodes.map(({ peakInFlight }) => peakInFlight), [1, 1]);
  }],

  ["who has a higher priority gets the next slot, and beyond limits.queue nobody waits", async (bed) => {
    await bed.hold("full", ["full:1b"], { tokensPerSecond: 10, parallel: 1, entry: { slots: 1 } });
    const model = "full:1b";
    const client = new AbortController();
    const stream = await ChatStream.open(bed.url, { model, maxTokens: 16, signal: client.signal });
    const order: string[] = [];
    const waiting: Promise<unknown>[] = [];
    for (const [priority, count] of [["0", 1], ["5", 2], ["10", 3]] as const) {
      const headers = { "x-sollol-priority": priority };
      waiting.push(
        ask(bed.url, { model, stream: false, maxTokens: 1, headers }).then(({ end }) =>
          order.push(priority + end)
        ),
      );
      await eventually(`${count} wait`, async () => (await bed.gateway.health()).waitingCount === count);
    }
    const { status, error, headers } = await chat(bed.url, { model });
    deepEqual([status, error!.code], [429, "rate_limited"]);
    match(error!.message, /3 requests wait already/);
    ok(Number(headers.get("retry-after")) >= 1);
    client.abort();
    await stream.rest().catch(() => {});
    await Promise.all(waiting);
    deepEqual(order, ["10whole", "5whole", "0whole"]);
  }],

  ["a conversation goes on at the node that has its beginning", async (bed) => {
    const models = ["talk:1b"];
    for (const name of ["talk-a", "talk-b"]) (await bed.hold(name, models)).load("talk:1b");
    await eventually("it is known to be loaded at both", async () => {
      const views = await Promise.all(["talk-a", "talk-b"].map((name) => bed.gateway.nodeView(name)));
      return views.every(({ resident }) => resident.length === 1);
    });
    const heard = new Set<string>();
    for (let index = 0; index < 6; index++) {
      const messages = newConversation();
      const first = await chat(bed.url, { model: "talk:1b", fields: { messages } });
      const node = first.headers.get("x-sollol-upstream")!;
      heard.add(node);
      const answered = [...messages, { role: "assistant", content: first.text }, {
        role: "user",
        content: "Go on",
      }];
      const second = await chat(bed.url, { model: "talk:1b", fields: { messages: answered } });
      equal(second.headers.get("x-sollol-upstream"), node);
      match(second.headers.get("x-sollol-decision")!, /it has the beginning of this conversation/);
    }
    equal(heard.size, 2, "all conversations began at one node");
  }],

  ["where a model has no capacity its fallback answers, and says so", async (bed) => {
    const strong = await bed.hold("strong", ["strong:70b"]);
    await bed.hold("weak", ["weak:1b"]);
    await strong.stop();
    const { status, headers } = await chat(bed.url, { model: "strong:70b" });
    equal(status, 200);
    deepEqual([headers.get("x-sollol-upstream"), headers.get("x-sollol-model")], ["weak", "weak:1b"]);
    match(headers.get("x-sollol-decision")!, /"strong:70b" has no capacity \(.*\), so "weak:1b" answers/);
    const { fallbacks } = await bed.gateway.getJson("/api/admin/route?model=strong:70b");
    deepEqual(fallbacks, ["weak:1b"]);
  }],

  ["300 embeddings are split over the nodes and put together in their order", async (bed) => {
    const nodes = [
      await bed.hold("vectors-a", ["vectors:1b"], { firstTokenMs: 20 }),
      await bed.hold("vectors-b", ["vectors:1b"], { firstTokenMs: 20 }),
    ];
    const texts = Array.from({ length: 300 }, (_, index) => `text number ${index}`);
    const response = await postEmbeddings(bed.url, texts, { model: "vectors:1b" });
    const { data, usage } = await response.json();
    equal(response.status, 200);
    deepEqual(data.map(({ index }: { index: number }) => index), texts.map((_, index) => index));
    deepEqual(
      data.map(({ embedding }: { embedding: number[] }) => embedding),
      texts.map((text) => fakeEmbedding(text)),
    );
    equal(usage.prompt_tokens, 900);
    for (const node of nodes) notEqual(askedTimes(node).length, 0, "a node got nothing");
    equal(nodes.reduce((sum, node) => sum + askedTimes(node).length, 0), 5);
  }],

  ["an embedding that takes long is asked for elsewhere, and the first answer counts", async (bed) => {
    const slow = await bed.hold("hedge-a", ["hedge:1b"], { firstTokenMs: 8_000, entry: { weight: 100 } });
    await bed.hold("hedge-b", ["hedge:1b"]);
    const startMs = performance.now();
    const response = await postEmbeddings(bed.url, "one text", { model: "hedge:1b" });
    deepEqual((await response.json()).data[0].embedding, fakeEmbedding("one text"));
    equal(response.headers.get("x-sollol-upstream"), "hedge-b");
    ok(performance.now() - startMs < 7_000, "it waited for the slow one");
    await eventually("the slow one need not go on", () => slow.abortedCount === 1);
    equal((await bed.gateway.nodeView("hedge-a")).failedCount, 0);
  }],

  ["a wrong option is the client's mistake at every node, and makes none look broken", async (bed) => {
    for (const name of ["judged-a", "judged-b"]) {
      (await bed.hold(name, ["judged:1b"])).behave("error_500"); // as to an option of the wrong type
    }
    for (let index = 0; index < 5; index++) {
      const { status, error } = await chat(bed.url, { model: "judged:1b" });
      equal(status, 500);
      match(error!.message, /runner process has terminated/);
    }
    for (const name of ["judged-a", "judged-b"]) equal((await bed.gateway.nodeView(name)).breaker, "closed");
  }],
]);
