import { deepEqual, equal, match, ok } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import { Secrets } from "../../../lib/config/secrets.ts";
import { until } from "../../fixtures/until.ts";
import { askedOf, isWhole, MODEL, NodeRouteBed, read } from "./node_route_bed.ts";

const CONFIG = `
model: llama3:8b
aliases: { gpt-4: "LLAMA3:8b", best: "llama3:8b" }
fallbacks: { "big:70b": [small], small: [tiny] }
`;

for (
  const { name, body, sent, model } of [
    {
      name: "as the client spells it, its body untouched",
      body:
        `{ "model":"llama3:8b",\t"messages":[{"role":"user","content":"h\u00e9"}], "seed": 12345678901234567890 }`,
      sent:
        `{ "model":"llama3:8b",\t"messages":[{"role":"user","content":"h\u00e9"}], "seed": 12345678901234567890 }`,
      model: null,
    },
    {
      name: "in other letters",
      body: `{"messages":[{"role":"user","content":"a"}], "model" : "Llama3:8B" ,"seed":1.0}`,
      sent: `{"messages":[{"role":"user","content":"a"}], "model" : "llama3:8b" ,"seed":1.0}`,
      model: MODEL,
    },
    {
      name: "by an alias",
      body: `{"model":"best","messages":[{"role":"user","content":"model\\":\\"best"}]}`,
      sent: `{"model":"llama3:8b","messages":[{"role":"user","content":"model\\":\\"best"}]}`,
      model: MODEL,
    },
    {
      name: "not at all, so that it is the usual one",
      body: `{"messages":[{"role":"user","content":"a"}]}`,
      sent: `{"model":"llama3:8b","messages":[{"role":"user","content":"a"}]}`,
      model: MODEL,
    },
  ]
) {
  Deno.test(`a node is asked by its own spelling for a model that is named ${name}`, async () => {
    await using bed = await NodeRouteBed.open([{}], { config: CONFIG });
    const answer = await read(fetch(`${bed.gateway.url}/v1/chat/completions`, { method: "POST", body }));
    ok(isWhole(answer), answer.text);
    equal(answer.headers.get("x-sollol-model"), model);
    equal(askedOf(bed.a)[0]!.body, sent);
  });
}

Deno.test("an alias is told in the decision", async () => {
  await using bed = await NodeRouteBed.open([{}], { config: CONFIG });
  const { headers } = await read(bed.chat({ model: "gpt-4" }));
  match(headers.get("x-sollol-decision")!, /^"gpt-4" is "LLAMA3:8b"\. /);
});

Deno.test("what has no capacity is answered by the next of its fallbacks that has, and that is told", async () => {
  await using bed = await NodeRouteBed.open([
    { models: [{ name: "big:70b" }] },
    { models: [{ name: "tiny:latest" }] },
  ], { config: CONFIG });
  bed.a.behave("too_large");
  const answer = await read(bed.chat({ model: "big:70b" }));
  ok(isWhole(answer), answer.text);
  const told = ["upstream", "model", "attempts"].map((name) => answer.headers.get(`x-sollol-${name}`));
  deepEqual(told, ["b", "tiny:latest", "2"]);
  match(answer.headers.get("x-sollol-decision")!, /"big:70b" has no capacity .*so "tiny" answers\./);
  match(askedOf(bed.b)[0]!.body, /"model":"tiny:latest"/);
});

Deno.test("fallbacks that do not help either are all told", async () => {
  await using bed = await NodeRouteBed.open([{ models: [{ name: "big:70b" }] }], { config: CONFIG });
  bed.a.behave("too_large");
  const { status, text } = await read(bed.chat({ model: "big:70b" }));
  equal(status, 507);
  match(
    text,
    /refused it for want of memory.*No fallback helps: Cannot find model .*small.*Cannot find model .*tiny/,
  );
});

Deno.test("a model that nobody has is 404, with the names that are near, and nobody is asked", async () => {
  await using bed = await NodeRouteBed.open([{}]);
  const { status, text } = await read(bed.chat({ model: "lama3:8b" }));
  equal(status, 404);
  match(text, /Cannot find model .*llama3:8b/);
  deepEqual(bed.askedCounts, [0]);
});

for (
  const { wish, upstream, status = 200 } of [
    { wish: "a", upstream: "a" },
    { wish: "b", upstream: "b" },
    { wish: "big", upstream: "b" },
    { wish: "node", upstream: "a" },
    { wish: "nobody", upstream: null, status: 400 },
    { wish: "sharded", upstream: null, status: 400 },
  ]
) {
  Deno.test(`x-sollol-route: ${wish} is obeyed, or refused`, async () => {
    await using bed = await NodeRouteBed.open([{}, { settings: { tags: ["big"] } }]);
    const answer = await read(bed.chat({}, { headers: { "x-sollol-route": wish } }));
    equal(answer.status, status, answer.text);
    equal(answer.headers.get("x-sollol-upstream"), upstream);
    equal(answer.headers.get("retry-after"), null);
  });
}

const INSTEAD = `
aliases: { gpt-4: "big:70b", ghost: "nothing:1b", mid: "big:70b" }
fallbacks: { "big:70b": [tiny], mid: [small] }
model_profiles: { "pinned:1b": { route: gpu9 } }
`;
const TOO_LARGE = { models: [{ name: "big:70b" }, { name: "pinned:1b" }] };
const SMALL = { models: [{ name: "tiny:latest" }, { name: "small:latest" }] };

Deno.test("what a fallback answers is not told as refused, wherever one asks", async () => {
  await using bed = await NodeRouteBed.open([TOO_LARGE, SMALL], { config: INSTEAD });
  bed.a.behave("too_large");
  const { headers } = await read(bed.chat({ model: "gpt-4" }));
  match(
    headers.get("x-sollol-decision")!,
    /^"gpt-4" is "big:70b"\. "big:70b" has no capacity .*"tiny" answers\./,
  );
  const { body } = await bed.get("/api/admin/route?model=gpt-4");
  deepEqual([body.to, body.upstream, body.model, body.answeredBy], ["node", "b", "big:70b", "tiny"]);
  match(
    body.because,
    /^"big:70b" has no capacity \(.*refused it for want of memory.*\), so "tiny" answers\. "tiny"/,
  );
  const { sollol } = (await bed.get("/v1/models/gpt-4")).body;
  deepEqual([sollol.available, sollol.goes_to], [true, "b"]);
});

Deno.test("fallbacks of an alias go before those of what it stands for", async () => {
  await using bed = await NodeRouteBed.open([TOO_LARGE, SMALL], { config: INSTEAD });
  bed.a.behave("too_large");
  equal((await read(bed.chat({ model: "mid" }))).headers.get("x-sollol-model"), "small:latest");
});

Deno.test("who asks for an alias of what nobody has is told what it stands for", async () => {
  await using bed = await NodeRouteBed.open([SMALL], { config: INSTEAD });
  const { status, text } = await read(bed.chat({ model: "ghost" }));
  equal(status, 404);
  const said = JSON.parse(text).error.message;
  match(said, /^"ghost" is "nothing:1b"\. Cannot find model "nothing:1b"/);
  const { body } = await bed.get("/api/admin/route?model=ghost");
  deepEqual([body.code, body.because], ["model_not_found", said]);
});

Deno.test("where nothing is known at all a 404 says what is missing", async () => {
  await using bed = await NodeRouteBed.open([], { rpcBackends: [] });
  const { status, text } = await read(bed.chat());
  equal(status, 404);
  match(text, /no Ollama node is known; .*no rpc backend is known; .*name an Ollama node in ollama_nodes/);
});

Deno.test("what its profile sends to nobody is refused for good, and listed so", async () => {
  await using bed = await NodeRouteBed.open([TOO_LARGE], { config: INSTEAD });
  const { status, text, headers } = await read(bed.chat({ model: "pinned:1b" }));
  deepEqual([status, headers.get("retry-after")], [422, null]);
  match(text, /its profile asks for \\"gpu9\\".*change its profile/);
  const { sollol } = (await bed.get("/v1/models/pinned:1b")).body;
  equal(sollol.available, false);
  match(sollol.because, /its profile asks for "gpu9"/);
});

Deno.test("a model whose node is only busy for a while stays in the list", async () => {
  await using bed = await NodeRouteBed.open([{}], { config: "nodes: { hide_unavailable: true }" });
  bed.a.behave("busy_429", { retryAfter: "60" });
  await read(bed.chat({}, { headers: { "x-sollol-max-wait": "100ms" } }));
  const { data } = (await bed.get("/v1/models")).body;
  deepEqual(
    data.map((card: { id: string; sollol: { available: boolean } }) => [card.id, card.sollol.available]),
    [
      [MODEL, true],
    ],
  );
});

Deno.test("where a node is meant and only there, no other one makes up for it", async () => {
  await using bed = await NodeRouteBed.open();
  bed.a.behave("error_500");
  equal((await read(bed.chat({}, { headers: { "x-sollol-route": "a" } }))).status, 500);
  deepEqual([bed.askedCounts, bed.failedCounts], [[1, 0], [0, 0]]);
});

const SHARDED = `
model_profiles: { "llama3:8b": { requires_distributed: true } }
`;

Deno.test("a model that is to be sharded and cannot be goes to a node, and why is told", async () => {
  await using bed = await NodeRouteBed.open([{}], {
    config: SHARDED,
    models: [MODEL],
    refuseMisfit: () => {
      throw new GatewayError("insufficient_memory", "it needs 5 GiB more");
    },
  });
  await bed.get("/v1/models"); // what is stored is known from here on
  const answer = await read(bed.chat());
  ok(isWhole(answer), answer.text);
  equal(answer.headers.get("x-sollol-upstream"), "a");
  match(answer.headers.get("x-sollol-decision")!, /^it needs 5 GiB more\. /);
});

Deno.test("a coordinator that cannot be started is replaced by a node, for a stream, too", async () => {
  await using bed = await NodeRouteBed.open([{}], {
    config: SHARDED,
    models: [MODEL],
    start: () => Promise.reject(new GatewayError("backend_unreachable", "the rpc backend is gone")),
  });
  await bed.get("/v1/models");
  const answer = await read(bed.chat({ stream: true }));
  ok(isWhole(answer), answer.text);
  match(answer.headers.get("x-sollol-decision")!, /the rpc backend is gone/);
});

Deno.test("a node that fails is replaced by a coordinator of ours, where the model is stored here", async () => {
  await using bed = await NodeRouteBed.open([{}], { models: [MODEL] });
  bed.a.behave("error_500");
  const answer = await read(bed.chat());
  equal(answer.status, 200, answer.text);
  match(answer.headers.get("x-sollol-upstream")!, /^coordinator of /);
  equal(answer.headers.get("x-sollol-attempts"), "2");
  await bed.untilIdle();
  deepEqual(bed.failedCounts, [1]);
});

const TELL = { headers: { "x-sollol-routing": "true" } };

Deno.test("_routing tells in the body where an answer comes from, when that is asked for", async () => {
  await using bed = await NodeRouteBed.open([{}], { config: CONFIG });
  const { _routing: note, choices } = JSON.parse((await read(bed.chat({ model: "gpt-4" }, TELL))).text);
  equal(choices.length, 1);
  const { because, duration_ms, queue_ms, ...rest } = note;
  deepEqual(rest, { backend: "ollama-pool", node: "a", model: MODEL, attempts: 1, load_ms: 0 });
  match(because, /"gpt-4" is/);
  ok(duration_ms >= 0 && queue_ms === 0);
  ok(!("_routing" in JSON.parse((await read(bed.chat())).text)));
});

Deno.test("_routing is the last event of a stream before [DONE], and of one that breaks it is none", async () => {
  await using bed = await NodeRouteBed.open([{ tokensPerSecond: 100 }]);
  const { text } = await read(bed.chat({ stream: true }, TELL));
  const events = text.trim().split("\n\n");
  equal(events.at(-1), "data: [DONE]");
  equal(JSON.parse(events.at(-2)!.slice("data: ".length))._routing.node, "a");
  bed.a.behave("reset_mid_stream");
  const broken = await read(bed.chat({ stream: true }, TELL));
  ok(!broken.text.includes("_routing"), broken.text);
});

Deno.test("_routing of a coordinator names its URL", async () => {
  await using bed = await NodeRouteBed.open([], { models: ["fake"] });
  const { _routing: note } = JSON.parse((await read(bed.chat({ model: "fake" }, TELL))).text);
  equal(note.backend, "llama.cpp-distributed");
  match(note.coordinator_url, /^http:\/\/127\.0\.0\.1:\d+/);
});

Deno.test("each request is one line, one decision and one measure", async () => {
  await using bed = await NodeRouteBed.open([{}]);
  const { headers } = await read(bed.chat());
  await until(() => bed.gateway.requestLines.length === 1, "its line");
  const { model, upstream, outcome, status, attemptCount } = bed.gateway.requestLines[0]!;
  deepEqual([model, upstream, outcome, status, attemptCount], [MODEL, "a", "ok", 200, 1]);
  const { decisions } = (await bed.get("/api/admin/decisions")).body;
  equal(decisions.length, 1);
  equal(decisions[0].requestId, headers.get("x-sollol-request-id"));
  deepEqual([decisions[0].to, decisions[0].upstream, decisions[0].task], ["node", "a", "chat"]);
  const metrics = await (await fetch(`${bed.gateway.url}/metrics`)).text();
  match(metrics, /sollol_requests_total\{to="node",outcome="ok",status="200"\} 1/);
});

for (
  const { query, field } of [
    { query: "route", field: "model" },
    { query: `route?model=${MODEL}&task=cooking`, field: "task" },
    { query: `route?model=${MODEL}&route=`, field: "route" },
    { query: `route?model=${"x".repeat(2_000)}`, field: "model" },
    { query: `route?model=${MODEL}&route=${"x".repeat(2_000)}`, field: "route" },
    { query: "decisions?limit=0", field: "limit" },
    { query: "decisions?limit=1001", field: "limit" },
    { query: "decisions?limit=-1", field: "limit" },
    { query: "decisions?limit=1e2", field: "limit" },
    { query: "decisions?limit=", field: "limit" },
  ]
) {
  Deno.test(`GET /api/admin/${query.slice(0, 60)} is refused, naming the field`, async () => {
    await using bed = await NodeRouteBed.open([]);
    const { status, body } = await bed.get(`/api/admin/${query}`);
    deepEqual([status, body.error.param], [400, field]);
  });
}

for (
  const name of [
    "../../../etc/passwd",
    "",
    "a\0b",
    "<script>",
    "__proto__",
    "%",
    "🦙".repeat(20),
    "hf.co/a/b:c",
  ]
) {
  Deno.test(`GET /api/admin/route takes ${JSON.stringify(name)} for a name, and asks nobody`, async () => {
    await using bed = await NodeRouteBed.open([{}]);
    const { status, body } = await bed.get(`/api/admin/route?model=${encodeURIComponent(name)}`);
    equal(status, 200, JSON.stringify(body));
    deepEqual([body.to, body.model], ["nowhere", name]);
    const asked = await read(bed.chat({ model: name }));
    ok(asked.status === 404 || asked.status === 400, asked.text);
    deepEqual(bed.askedCounts, [0]);
  });
}

Deno.test("GET /api/admin/route tells all candidates, and nobody's key", async () => {
  await using bed = await NodeRouteBed.open([{ settings: { apiKey: new Secrets(["hush-hush"]) } }, {}]);
  const { body } = await bed.get(`/api/admin/route?model=${MODEL}`);
  deepEqual([body.to, body.upstream, body.fallbacks], ["node", "a", []]);
  deepEqual(body.candidates.map(({ kind, name }: Record<string, string>) => [kind, name]), [
    ["node", "a"],
    ["node", "b"],
    ["sharded", "rpc backends"],
  ]);
  await read(bed.chat());
  equal(bed.a.requests.at(-1)!.headers["authorization"], "Bearer hush-hush");
  for (const path of ["/api/admin/decisions", `/api/admin/route?model=${MODEL}`, "/health"]) {
    ok(!JSON.stringify((await bed.get(path)).body).includes("hush-hush"), path);
  }
  ok(!JSON.stringify(bed.gateway.logLines).includes("hush-hush"));
});

Deno.test("/v1/models says where each model would go, once whoever holds it", async () => {
  await using bed = await NodeRouteBed.open([{}, {}], { models: ["fake"], config: CONFIG });
  const { data } = (await bed.get("/v1/models")).body;
  const places = data.map((card: { id: string; sollol: { goes_to: string; nodes: string[] } }) => [
    card.id,
    card.sollol.goes_to,
    card.sollol.nodes,
  ]);
  deepEqual(places.find(([id]: string[]) => id === MODEL), [MODEL, "a", ["a", "b"]]);
  deepEqual(places.find(([id]: string[]) => id === "gpt-4"), ["gpt-4", "a", ["a", "b"]]);
  deepEqual(places.find(([id]: string[]) => id!.startsWith("fake"))!.slice(1), ["a coordinator of ours", []]);
});
