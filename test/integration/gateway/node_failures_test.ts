import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { FakeOllamaBehaviour, FakeOllamaMode } from "../../fakes/fake_ollama_mode.ts";
import type { FakeOllamaNode } from "../../fakes/fake_ollama_node.ts";
import { until } from "../../fixtures/until.ts";
import { isWhole, MODEL, NodeRouteBed, OddNode, read } from "./node_route_bed.ts";

/** A way to fail, and what is made of it. */
interface Case {
  readonly name: string;
  readonly mode: FakeOllamaMode;
  readonly behaviour?: Partial<FakeOllamaBehaviour>;
  /** Whether it counts against the node that another one did better. */
  readonly isBlamed: boolean;
  /** Only where the answer is no stream, or only where it is one; not given: both. */
  readonly stream?: boolean;
  /** What the client is told if all nodes do the same. */
  readonly alone: { readonly status: number; readonly says: RegExp; readonly askedCount: number };
}

const BROKE_OFF = { status: 502, says: /"b broke off: .*ask again/, askedCount: 2 };
const OWN_WORDS = { status: 500, says: /llama runner process has terminated/, askedCount: 2 };

const CASES: readonly Case[] = [
  { name: "answers 500", mode: "error_500", isBlamed: true, alone: OWN_WORDS },
  { name: "resets the connection", mode: "reset_before_answer", isBlamed: true, alone: BROKE_OFF },
  {
    name: "answers bytes that are no HTTP",
    mode: "error_500_after_headers",
    isBlamed: true,
    alone: { ...BROKE_OFF, says: /"b answered with content of the type none/ },
  },
  {
    name: "answers 200 with an error inside",
    mode: "error_in_200",
    isBlamed: true,
    alone: { ...BROKE_OFF, says: /"b answered 200 with an error inside: an error that nobody gave a status/ },
  },
  {
    name: "answers with a page",
    mode: "html",
    isBlamed: true,
    alone: { ...BROKE_OFF, says: /"b answered with content of the type text\/html/ },
  },
  {
    name: "answers with half a JSON object",
    mode: "truncated_json",
    stream: false,
    isBlamed: true,
    alone: { ...BROKE_OFF, says: /"b answered with what is no JSON object/ },
  },
  {
    name: "sends us elsewhere",
    mode: "redirect",
    isBlamed: true,
    alone: { ...BROKE_OFF, says: /"b answered 302, a redirect, which is not followed/ },
  },
  {
    name: "announces more than comes",
    mode: "wrong_content_length",
    stream: false,
    isBlamed: true,
    alone: BROKE_OFF,
  },
  {
    name: "sends chunks without the last one",
    mode: "chunks_without_end",
    stream: false,
    isBlamed: true,
    alone: BROKE_OFF,
  },
  { name: "sends a megabyte of headers", mode: "huge_headers", isBlamed: true, alone: BROKE_OFF },
  {
    name: "breaks off in the middle",
    mode: "reset_mid_stream",
    stream: false,
    isBlamed: true,
    alone: BROKE_OFF,
  },
  {
    name: "breaks off before its first token",
    mode: "reset_mid_stream",
    behaviour: { afterTokens: 0 },
    isBlamed: true,
    alone: BROKE_OFF,
  },
  {
    name: "loses its runner before the first token",
    mode: "runner_crash",
    behaviour: { afterTokens: 0 },
    isBlamed: true,
    alone: { ...OWN_WORDS, says: /while running the model: unexpected EOF/ },
  },
  {
    name: "has not got the model",
    mode: "model_missing",
    isBlamed: false,
    alone: {
      status: 404,
      says: /c lists the model, but answered 404: it has not got it. Cannot find model .*ollama pull/,
      askedCount: 3,
    },
  },
  {
    name: "has too little memory",
    mode: "too_large",
    isBlamed: false,
    alone: { status: 507, says: /refused it for want of memory/, askedCount: 3 },
  },
];

Deno.test("a node that has the model loaded, but no room for it as it is asked for, is told with its own words", async () => {
  await using bed = await NodeRouteBed.open([{ models: [{ name: "big:70b" }] }]);
  ok(isWhole(await read(bed.chat({ model: "big:70b" }))));
  await until(async () => (await bed.get("/api/ps")).body.models.length === 1, "it counts as loaded");
  bed.a.behave("too_large");
  const { status, text } = await read(bed.chat({ model: "big:70b" }));
  equal(status, 507, text);
  match(text, /a answered 500: .*requires more system memory/);
});

for (const { name, mode, behaviour = {}, isBlamed, stream: only, alone } of CASES) {
  for (const stream of only === undefined ? [false, true] : [only]) {
    const told = stream ? " (stream)" : "";
    const misbehave = (fake: FakeOllamaNode) => fake.behave(mode, { ...behaviour, on: "inference" });

    Deno.test(`a node that ${name} is bettered by another one${told}`, async () => {
      await using bed = await NodeRouteBed.open();
      misbehave(bed.a);
      const answer = await read(bed.chat({ stream }));
      ok(isWhole(answer), answer.text);
      equal(answer.headers.get("x-sollol-upstream"), "b");
      equal(answer.headers.get("x-sollol-attempts"), "2");
      await bed.untilIdle();
      deepEqual(bed.askedCounts, [1, 1]);
      deepEqual(bed.failedCounts, [isBlamed ? 1 : 0, 0]);
    });

    Deno.test(`three nodes of which each ${name} are asked once each at most, and it is told${told}`, async () => {
      await using bed = await NodeRouteBed.open([{}, {}, {}]);
      bed.fakes.forEach(misbehave);
      const answer = await read(bed.chat({ stream }));
      equal(answer.status, alone.status, answer.text);
      match(answer.text, alone.says);
      deepEqual(bed.askedCounts, [1, 1, 1].fill(0, alone.askedCount));
      await bed.untilIdle();
    });
  }
}

for (const [mode, status] of [["busy_429", 429], ["busy_503", 503]] as const) {
  Deno.test(`a node that answers ${status} is left alone for as long as it asks for, and others serve`, async () => {
    await using bed = await NodeRouteBed.open();
    bed.a.behave(mode, { retryAfter: "60" });
    for (let count = 1; count <= 3; count++) ok(isWhole(await read(bed.chat())));
    deepEqual(bed.askedCounts, [1, 3]);
    deepEqual(bed.failedCounts, [0, 0]);
    match(
      (await bed.get(`/api/admin/route?model=${MODEL}`)).body.candidates[0].because,
      /paused for (1 min|59)/,
    );
  });
}

Deno.test("where all are busy a request waits for the end of the pause, and is answered then", async () => {
  await using bed = await NodeRouteBed.open([{}]);
  bed.a.behave("busy_503", { times: 1 }); // which is a pause of 1 s
  const answer = await read(bed.chat());
  ok(isWhole(answer), answer.text);
  equal(answer.headers.get("x-sollol-attempts"), "2");
  ok(Number(answer.headers.get("x-sollol-queue-ms")) > 500, answer.headers.get("x-sollol-queue-ms")!);
});

Deno.test("who waits for the end of a pause waits no longer than it wants to", async () => {
  await using bed = await NodeRouteBed.open([{}]);
  bed.a.behave("busy_429", { retryAfter: "60" });
  const { status, text } = await read(bed.chat({}, { headers: { "x-sollol-max-wait": "100ms" } }));
  equal(status, 503);
  match(text, /no_capacity/);
  deepEqual(bed.askedCounts, [1]);
});

Deno.test("a node that is busy for ever is asked three times, and its last word is the client's", async () => {
  await using bed = await NodeRouteBed.open([{}]);
  bed.a.behave("busy_429", { retryAfter: "0" });
  const { status, text } = await read(bed.chat());
  equal(status, 429);
  match(text, /too many requests/);
  deepEqual(bed.askedCounts, [3]);
  await bed.untilIdle();
});

Deno.test("what all nodes answer 500 to is nobody's fault, however often it comes", async () => {
  await using bed = await NodeRouteBed.open();
  for (const fake of bed.fakes) fake.behave("error_500");
  for (let count = 1; count <= 5; count++) equal((await read(bed.chat())).status, 500);
  deepEqual(bed.failedCounts, [0, 0]);
  deepEqual(bed.gateway.nodes.nodes.map(({ breaker }) => breaker), ["closed", "closed"]);
  for (const fake of bed.fakes) fake.behave("ok");
  ok(isWhole(await read(bed.chat())));
});

Deno.test("three requests that another node answers better than with 500 open the breaker", async () => {
  await using bed = await NodeRouteBed.open([{}, {}], { config: "nodes: { policy: round_robin }" });
  bed.a.behave("error_500");
  for (let count = 1; count <= 10; count++) {
    const messages = [{ role: "user", content: `${count}` }]; // conversations of their own: none has a favourite node
    ok(isWhole(await read(bed.chat({ messages }))));
  }
  equal(bed.gateway.nodes.nodes[0]!.breaker, "open");
  deepEqual([bed.failedCounts, bed.askedCounts[1]], [[3, 0], 10]);
});

Deno.test("requests that fail at each node do not wait for each other's slots", async () => {
  const settings = { slotCount: 1 };
  await using bed = await NodeRouteBed.open([{ settings }, { settings }]);
  for (const fake of bed.fakes) fake.behave("error_500");
  const startedMs = performance.now();
  const answers = await Promise.all(Array.from({ length: 4 }, () => read(bed.chat())));
  deepEqual(answers.map(({ status }) => status), Array(4).fill(500));
  ok(performance.now() - startedMs < 20_000, "they waited for slots that nobody used");
  await bed.untilIdle();
});

Deno.test("a 500 that another node betters only by a 400 is nobody's fault", async () => {
  await using odd = new OddNode(() =>
    Response.json({ error: { message: "no such option" } }, { status: 400 })
  );
  await using bed = await NodeRouteBed.open([{}, odd]);
  bed.a.behave("error_500");
  const { status, text } = await read(bed.chat());
  deepEqual([status, JSON.parse(text).error.message], [400, "no such option"]);
  deepEqual(bed.failedCounts, [0, 0]);
});

for (const stream of [false, true]) {
  Deno.test(`a client's mistake is told in the node's own words, once${stream ? " (stream)" : ""}`, async () => {
    await using bed = await NodeRouteBed.open([
      { models: [{ name: MODEL, capabilities: ["completion"] }] },
      {},
    ]);
    const tools = [{ type: "function", function: { name: "f" } }];
    const { status, text, headers } = await read(bed.chat({ stream, tools }));
    deepEqual([status, headers.get("x-sollol-upstream")], [400, "a"]);
    match(text, /does not support tools/);
    deepEqual([bed.askedCounts, bed.failedCounts], [[1, 0], [0, 0]]);
    await bed.untilIdle();
  });
}

Deno.test("a node that is gone is not asked again, and its requests go elsewhere", async () => {
  await using bed = await NodeRouteBed.open();
  await bed.a.stop();
  const answer = await read(bed.chat());
  ok(isWhole(answer), answer.text);
  equal(answer.headers.get("x-sollol-attempts"), "2");
  equal((await read(bed.chat())).headers.get("x-sollol-attempts"), "1");
});

Deno.test("the first request that meets a node which has just fallen asleep wakes it", async () => {
  const wake = { mac: "02:00:5e:10:00:01", broadcast: "127.0.0.1", port: 9 };
  await using bed = await NodeRouteBed.open([{ settings: { wake } }]);
  await bed.a.stop();
  const asked = read(bed.chat());
  await until(() => bed.gateway.nodes.nodes[0]!.health === "down", "seen to be down");
  await bed.a.startAgain();
  const answer = await asked;
  ok(isWhole(answer), answer.text);
  equal(answer.headers.get("x-sollol-attempts"), "2");
  ok(Number(answer.headers.get("x-sollol-queue-ms")) > 0, "the wait for it counts");
});

Deno.test("what one node said of a request is worth more than that another one is gone", async () => {
  await using bed = await NodeRouteBed.open();
  bed.a.behave("error_500");
  await bed.b.stop();
  const { status, text, headers } = await read(bed.chat());
  equal(status, 500);
  match(text, /llama runner process has terminated/);
  equal(headers.get("x-sollol-upstream"), "a");
});

Deno.test("so many nodes are gone that not all are tried, and none twice", async () => {
  await using bed = await NodeRouteBed.open([{}, {}, {}, {}]);
  for (const fake of bed.fakes) await fake.stop();
  const { status, text } = await read(bed.chat());
  equal(status, 502);
  match(text, /Cannot reach/);
});

/** Answers that a fake Ollama does not give. */
const ODD: readonly {
  readonly name: string;
  readonly answer: () => Response;
  readonly stream?: boolean;
  readonly isBlamed: boolean;
  readonly status: number;
  readonly says: RegExp;
}[] = [
  {
    name: "does not know the path",
    answer: () => new Response("404 page not found", { status: 404 }),
    isBlamed: false,
    status: 502,
    says: /"a does not know what is asked \(404\); update its Ollama/,
  },
  {
    name: "wants another key",
    answer: () => Response.json({ error: "unauthorized" }, { status: 401 }),
    isBlamed: false,
    status: 502,
    says: /"a refuses us \(401: unauthorized\); see api_key/,
  },
  {
    name: "answers 500 without an end",
    answer: () => new Response(endless("x".repeat(100_000)), { status: 500 }),
    isBlamed: true,
    status: 502,
    says: /"a answered 500, and more than 1.00 MiB with it/,
  },
  {
    name: "answers 500 with a page",
    answer: () => new Response("<html>", { status: 500, headers: { "content-type": "text/html" } }),
    isBlamed: true,
    status: 502,
    says: /"a answered 500"/,
  },
  {
    name: "answers 204",
    answer: () => new Response(null, { status: 204 }),
    isBlamed: true,
    status: 502,
    says: /"a answered with content of the type none/,
  },
  {
    name: "answers with a list",
    answer: () => Response.json([1, 2]),
    isBlamed: true,
    status: 502,
    says: /"a answered with what is no JSON object/,
  },
  {
    name: "streams where no stream was asked for",
    answer: () => events("data: [DONE]\n\n"),
    stream: false,
    isBlamed: true,
    status: 502,
    says: /"a answered with content of the type text\/event-stream/,
  },
  {
    name: "loses its runner behind the head",
    answer: () => events(`data: {"id":"x","model":"","choices":[{"delta":{"content":""}}]}\n\n`),
    stream: true,
    isBlamed: true,
    status: 502,
    says: /"a lost the process that runs the model"/,
  },
  {
    name: "tells of an error in place of its first token",
    answer: () => events(`data: {"error":{"message":"no more"}}\n\n`),
    stream: true,
    isBlamed: true,
    status: 502,
    says: /"a answered 200 with an error inside: no more"/,
  },
  {
    name: "ends its stream before its first token",
    answer: () => events(": nothing comes\n\n"),
    stream: true,
    isBlamed: true,
    status: 502,
    says: /ended early, after 0 events/,
  },
  {
    name: "sends an event without an end",
    answer: () => new Response(endless("x".repeat(500_000), "data: "), EVENTS),
    stream: true,
    isBlamed: true,
    status: 502,
    says: /event of more than 4194304 bytes/,
  },
];

for (const { name, answer, stream = false, isBlamed, status, says } of ODD) {
  Deno.test(`a node that ${name} is bettered by another one, and alone it is told`, async () => {
    await using odd = new OddNode(answer);
    await using bed = await NodeRouteBed.open([odd, {}]);
    const bettered = await read(bed.chat({ stream }));
    ok(isWhole(bettered), bettered.text);
    await bed.untilIdle();
    deepEqual([odd.asked.length, bed.failedCounts], [1, [isBlamed ? 1 : 0, 0]]);
    const wish = { headers: { "x-sollol-route": "a" } };
    const alone = await read(bed.chat({ stream }, wish));
    equal(alone.status, status, alone.text);
    match(alone.text, says);
    await bed.untilIdle();
  });
}

Deno.test("an answer that has no end is given up, and another node is asked once", async () => {
  const answer = () =>
    new Response(endless(" ".repeat(4 * 1024 ** 2)), { headers: { "content-type": "application/json" } });
  await using odd = new OddNode(answer);
  await using bed = await NodeRouteBed.open([odd, {}]);
  ok(isWhole(await read(bed.chat())));
  const alone = await read(bed.chat({}, { headers: { "x-sollol-route": "a" } }));
  equal(alone.status, 502);
  match(alone.text, /more than 67108864 bytes; ask for a shorter one, or for a stream/);
  await bed.untilIdle();
});

Deno.test("null in place of an error is none", async () => {
  await using odd = new OddNode(() => Response.json({ error: null, choices: [] }));
  await using bed = await NodeRouteBed.open([odd]);
  const { status, text } = await read(bed.chat());
  deepEqual([status, text], [200, `{"error":null,"choices":[]}`]);
  deepEqual(bed.failedCounts, [0]);
});

const EVENTS = { headers: { "content-type": "text/event-stream" } };

function events(text: string): Response {
  return new Response(text, EVENTS);
}

/** The same piece again and again, behind what comes first, as fast as it is read. */
function endless(piece: string, first = ""): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    start: (controller) => controller.enqueue(encoder.encode(first)),
    pull: (controller) => controller.enqueue(encoder.encode(piece)),
  });
}
