import { deepEqual, equal, match } from "node:assert/strict";
import { fakeEmbedding } from "../../fakes/fake_ollama_embedding.ts";
import { until } from "../../fixtures/until.ts";
import { MODEL, NodeRouteBed, OddNode, read } from "./node_route_bed.ts";

const NDJSON = "application/x-ndjson";

/** The lines of a stream. */
function linesOf(text: string): Record<string, unknown>[] {
  equal(text.endsWith("\n"), true);
  return text.trimEnd().split("\n").map((line) => JSON.parse(line));
}

Deno.test("generate over a node: the node's lines, as they are", async () => {
  await using bed = await NodeRouteBed.open([{}]);
  const asked = { model: MODEL, prompt: "hi", system: "you", whatever: 1 };
  const { status, headers, text } = await read(bed.post("/api/generate", asked));
  deepEqual([status, headers.get("content-type")], [200, NDJSON]);
  const lines = linesOf(text);
  match(lines.map(({ response }) => response).join(""), /word0 .*word15/);
  const last = lines.at(-1)!;
  deepEqual([last["model"], last["done"], last["done_reason"], last["context"]], [MODEL, true, "stop", [
    1,
    2,
    3,
  ]]);
  deepEqual(JSON.parse(bed.a.requests.find(({ path }) => path === "/api/generate")!.body), asked);
});

Deno.test("generate and chat over a node that want no stream get one object", async () => {
  await using bed = await NodeRouteBed.open([{}]);
  for (
    const [path, body] of [
      ["/api/generate", { prompt: "hi" }],
      ["/api/chat", { messages: [{ role: "user", content: "hi" }] }],
    ] as const
  ) {
    const { status, headers, text } = await read(bed.post(path, { model: MODEL, stream: false, ...body }));
    deepEqual([status, headers.get("content-type")?.split(";")[0]], [200, "application/json"]);
    equal(JSON.parse(text).done, true);
  }
});

Deno.test("a body needs no content type, and may have any", async () => {
  await using bed = await NodeRouteBed.open([{}]);
  const body = new TextEncoder().encode(JSON.stringify({ model: MODEL, prompt: "hi", stream: false }));
  for (
    const headers of [{}, { "content-type": "text/plain" }, {
      "content-type": "application/x-www-form-urlencoded",
    }]
  ) {
    const { status } = await read(bed.post("/api/generate", "", { body, headers }));
    equal(status, 200);
  }
});

Deno.test("embeddings over a node are the node's", async () => {
  await using bed = await NodeRouteBed.open([{ models: [{ name: MODEL, capabilities: ["embedding"] }] }]);
  const many = await read(bed.post("/api/embed", { model: MODEL, input: ["a", "b"] }));
  deepEqual([many.status, JSON.parse(many.text).embeddings], [200, [fakeEmbedding("a"), fakeEmbedding("b")]]);
  const one = await read(bed.post("/api/embeddings", { model: MODEL, prompt: "a" }));
  deepEqual([one.status, JSON.parse(one.text)], [200, { embedding: fakeEmbedding("a") }]);
  const none = await read(bed.post("/api/embed", { model: MODEL, input: [] }));
  deepEqual([none.status, JSON.parse(none.text)], [200, { model: MODEL, embeddings: [] }]);
});

Deno.test("a long list of texts is embedded by all nodes, and comes back in its order", async () => {
  const node = { models: [{ name: MODEL, capabilities: ["embedding"] }], firstTokenMs: 5 };
  await using bed = await NodeRouteBed.open([node, node], { config: "nodes: { embedding_batch: 100 }" });
  const texts = Array.from({ length: 1_000 }, (_, index) => `text ${index}`);
  const asked = { model: MODEL, input: texts, truncate: false };
  const { status, text, headers } = await read(bed.post("/api/embed", asked));
  const { embeddings, model, prompt_eval_count } = JSON.parse(text);
  deepEqual([status, embeddings], [200, texts.map((one) => fakeEmbedding(one))]);
  deepEqual([model, prompt_eval_count, headers.get("x-sollol-upstream")], [MODEL, 2_000, "a, b"]);
  const isEmbed = ({ path }: { readonly path: string }) => path === "/api/embed";
  const [fromA, fromB] = bed.fakes.map(({ requests }) => requests.filter(isEmbed).length);
  deepEqual([fromA! > 0, fromB! > 0, fromA! + fromB!], [true, true, 10]);
});

Deno.test("a part of a long list that a node refuses is the answer to all, in Ollama's words", async () => {
  await using odd = new OddNode(async (request) => {
    const { input } = await request.json();
    return input.includes("text 4")
      ? Response.json({ error: "the input length exceeds the context length" }, { status: 400 })
      : Response.json({ model: MODEL, embeddings: input.map(() => [1]) });
  });
  await using bed = await NodeRouteBed.open([odd], { config: "nodes: { embedding_batch: 3 }" });
  const input = Array.from({ length: 9 }, (_, index) => `text ${index}`);
  const { status, text } = await read(bed.post("/api/embed", { model: MODEL, input }));
  deepEqual([status, JSON.parse(text)], [400, { error: "the input length exceeds the context length" }]);
});

Deno.test("a load has a node load the model, whether a stream is wanted or not", async () => {
  await using bed = await NodeRouteBed.open([{}]);
  for (const path of ["/api/generate", "/api/chat"]) {
    for (const stream of [undefined, true, false]) {
      const { status, headers, text } = await read(bed.post(path, { model: MODEL, stream }));
      deepEqual([status, headers.get("content-type")?.split(";")[0]], [200, "application/json"]);
      const { done, done_reason } = JSON.parse(text);
      deepEqual([done, done_reason], [true, "load"]);
    }
  }
});

Deno.test("an unload reaches each node that has the model in memory, and no other, and loads nothing", async () => {
  await using bed = await NodeRouteBed.open([{}, {}, {}]);
  for (const fake of bed.fakes.slice(0, 2)) fake.load(MODEL);
  for (
    const [path, want] of [
      ["/api/generate", { response: "" }],
      ["/api/chat", { message: { role: "assistant", content: "" } }],
    ] as const
  ) {
    const { status, headers, text } = await read(bed.post(path, { model: MODEL, keep_alive: 0 }));
    deepEqual([status, headers.get("content-type")?.split(";")[0]], [200, "application/json"]);
    const { created_at: _, ...said } = JSON.parse(text);
    deepEqual(said, { model: MODEL, ...want, done: true, done_reason: "unload" });
  }
  const told = bed.fakes.map(({ counts }) => counts.get("/api/generate") ?? 0);
  deepEqual(told, [1, 1, 0]); // the second time nobody had it any more
  deepEqual(bed.gateway.nodes.nodes.map(({ resident }) => resident.size), [0, 0, 0]);
});

Deno.test("an unload of embeddings is told in their words", async () => {
  await using bed = await NodeRouteBed.open([{}]);
  bed.a.load(MODEL);
  const { status, text } = await read(bed.post("/api/embed", { model: MODEL, keep_alive: 0 }));
  deepEqual([status, text], [200, `{"model":"${MODEL}","embeddings":[]}`]);
  const legacy = await read(bed.post("/api/embeddings", { model: MODEL, keep_alive: 0 }));
  deepEqual([legacy.status, legacy.text], [200, `{"embedding":[]}`]);
  equal(bed.a.counts.get("/api/generate"), 1);
});

Deno.test("an unload stops our own coordinator once it is idle, and an unload of what is not loaded is none", async () => {
  await using bed = await NodeRouteBed.open([], { models: ["fake"] });
  const load = await read(bed.post("/api/generate", { model: "fake" }));
  deepEqual([load.status, JSON.parse(load.text).done_reason], [200, "load"]);
  const [coordinator] = bed.gateway.coordinators;
  for (let count = 0; count < 2; count++) {
    const { status, text } = await read(bed.post("/api/generate", { model: "fake", keep_alive: 0 }));
    deepEqual([status, JSON.parse(text).done_reason], [200, "unload"]);
    await until(() => coordinator!.gone.aborted, "it has stopped");
  }
  equal(bed.gateway.coordinators.length, 1);
});

Deno.test("an unload of a model that nobody knows is 404, and says so", async () => {
  await using bed = await NodeRouteBed.open([{}]);
  const { status, text } = await read(bed.post("/api/generate", { model: "nope", keep_alive: 0 }));
  equal(status, 404);
  match(JSON.parse(text).error, /not found.*nope/);
});

Deno.test("generate over our own coordinator: a chat there, Ollama's words here", async () => {
  await using bed = await NodeRouteBed.open([], { models: ["fake"] });
  const asked = { model: "fake", prompt: "hi", system: "you", stream: false, options: { temperature: 0 } };
  const { status, text } = await read(bed.post("/api/generate", asked));
  equal(status, 200);
  const { response, done, done_reason, prompt_eval_count, eval_count } = JSON.parse(text);
  deepEqual({ response, done, done_reason, prompt_eval_count, eval_count }, {
    response: "hello from the fake",
    done: true,
    done_reason: "stop",
    prompt_eval_count: 3,
    eval_count: 4,
  });
  const [chat] = bed.gateway.upstream.seen;
  match(chat!.line, /^POST \/v1\/chat\/completions /);
  const sent = JSON.parse(chat!.body);
  deepEqual(sent.messages, [{ role: "system", content: "you" }, { role: "user", content: "hi" }]);
  equal(sent.temperature, 0);
});

Deno.test("a model of ours that embeds nothing says so", async () => {
  await using bed = await NodeRouteBed.open([], { models: ["fake"] });
  const { status, text } = await read(bed.post("/api/embed", { model: "fake", input: "x" }));
  equal(status >= 400 && status < 500, true, text);
  match(JSON.parse(text).error, /no embedding model/);
});

for (
  const { path, body, status, why } of [
    { path: "/api/generate", body: "", status: 400, why: /missing request body/ },
    { path: "/api/generate", body: "[]", status: 400, why: /JSON object/ },
    {
      path: "/api/generate",
      body: `{"model":"${MODEL}","prompt":"x","stream":"yes"}`,
      status: 400,
      why: /"stream"/,
    },
    {
      path: "/api/chat",
      body: `{"model":"${MODEL}","messages":[],"stream":"yes"}`,
      status: 400,
      why: /"stream"/,
    },
    {
      path: "/api/generate",
      body: `{"model":"${MODEL}","prompt":"x","raw":true,"system":"y"}`,
      status: 400,
      why: /raw/,
    },
    { path: "/api/embed", body: `{"model":"${MODEL}","input":5}`, status: 400, why: /"input"/ },
    { path: "/api/embeddings", body: `{"model":"${MODEL}","prompt":[]}`, status: 400, why: /"prompt"/ },
    { path: "/api/generate", body: `{"model":"nope","prompt":"x"}`, status: 404, why: /not found/ },
    { path: "/api/embed", body: `{"model":"nope","input":"x"}`, status: 404, why: /not found/ },
  ]
) {
  Deno.test(`${path} refuses ${body} with ${status}, in Ollama's form, and asks nobody`, async () => {
    await using bed = await NodeRouteBed.open([{}]);
    const answer = await read(bed.post(path, "", { body }));
    equal(answer.status, status);
    const said = JSON.parse(answer.text);
    deepEqual(Object.keys(said), ["error"]);
    match(said.error, why);
    equal(bed.a.counts.get(path), undefined);
  });
}

Deno.test("other methods are refused, and which ones there are is told", async () => {
  await using bed = await NodeRouteBed.open([{}]);
  for (const path of ["/api/generate", "/api/chat", "/api/embed", "/api/embeddings"]) {
    for (const method of ["GET", "PUT", "DELETE"]) {
      const response = await fetch(bed.gateway.url + path, { method });
      deepEqual([response.status, response.headers.get("allow")], [405, "POST"]);
      equal(typeof (await response.json()).error, "string");
    }
  }
});

Deno.test("who looks whether it runs is told so, by GET and HEAD, and HEAD of the models is answered, too", async () => {
  await using bed = await NodeRouteBed.open([{}]);
  const { status, headers, text } = await read(fetch(bed.gateway.url));
  deepEqual([status, text], [200, "Ollama is running"]);
  match(headers.get("content-type")!, /^text\/plain/);
  for (const path of ["/", "/api/tags"]) {
    const head = await read(fetch(bed.gateway.url + path, { method: "HEAD" }));
    deepEqual([head.status, head.text], [200, ""]);
  }
  const post = await read(fetch(bed.gateway.url, { method: "POST" }));
  deepEqual([post.status, post.headers.get("allow")], [405, "GET, HEAD"]);
});

Deno.test("a client that leaves a stream ends the node's work", async () => {
  await using bed = await NodeRouteBed.open([{ tokensPerSecond: 5 }]);
  const left = new AbortController();
  const response = await bed.post("/api/generate", { model: MODEL, prompt: "hi" }, { signal: left.signal });
  await response.body!.getReader().read();
  left.abort();
  await until(() => bed.a.abortedCount === 1, "the node has stopped");
  await bed.untilIdle();
});

Deno.test("a stream that breaks ends with a line that says so, and with nothing that looks like success", async () => {
  await using bed = await NodeRouteBed.open([{}]);
  bed.a.behave("runner_crash");
  const { text } = await read(bed.post("/api/generate", { model: MODEL, prompt: "hi" }));
  const last = linesOf(text.endsWith("\n") ? text : `${text}\n`).at(-1)!;
  equal(typeof last["error"], "string");
  equal(text.includes(`"done":true`), false);
});
