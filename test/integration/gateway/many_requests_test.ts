import { deepEqual, equal, ok } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import { FakeBatchService } from "../../fakes/fake_batch_service.ts";
import { BatchBed } from "../../fixtures/batch_bed.ts";
import { EventReader } from "../../fixtures/event_reader.ts";
import { until } from "../../fixtures/until.ts";
import { BatchesBed } from "./batches_bed.ts";

const CHAT = { type: "chat", model: "m", messages: [{ role: "user", content: "hi" }] };
const GENERATE = { type: "generate", model: "m", prompt: "hi", seed: 7 };
const EMBED = { type: "embed", model: "e", input: ["a", "b"] };
const ALL = [CHAT, GENERATE, EMBED];

const withoutType = ({ type: _, ...body }: Record<string, unknown>) => body;

Deno.test("POST /api/batch answers in the order of the requests, whichever is answered first", async () => {
  const service = new FakeBatchService(); // answers the last one first
  service.answer = (_, index) =>
    Promise.resolve(
      index === 1 ? { status: 404, body: { error: { message: "no" } } } : { upstream: `node ${index}` },
    );
  await using routes = new BatchesBed(service);
  for (const asked of [{ requests: ALL }, ALL, { requests: ALL, stream: false }]) {
    const { status, body } = await routes.ask("POST", "/api/batch", asked);
    equal(status, 200);
    deepEqual(body, {
      results: [
        {
          index: 0,
          status: 200,
          upstream: "node 0",
          body: { endpoint: "/v1/chat/completions", ...withoutType(CHAT) },
        },
        { index: 1, status: 404, upstream: null, body: { error: { message: "no" } } },
        {
          index: 2,
          status: 200,
          upstream: "node 2",
          body: { endpoint: "/v1/embeddings", ...withoutType(EMBED) },
        },
      ],
    });
  }
});

Deno.test("POST /api/batch sends what it was given through the real service", async () => {
  await using bed = await BatchBed.create();
  await using routes = new BatchesBed(bed.open());
  const requests = Array.from({ length: 300 }, (_, n) => ({ ...EMBED, n }));
  const { body } = await routes.ask("POST", "/api/batch", requests);
  deepEqual(body.results.map((result: { body: { n: number } }) => result.body.n), requests.map(({ n }) => n));
  equal(bed.asked.length, 300);
});

for (
  const { name, around } of [
    { name: "a list", around: (list: string) => `\ufeff ${list}` },
    { name: "an object", around: (list: string) => `{"stream":false, "requests" : ${list} }` },
    {
      name: "an object that says them twice",
      around: (list: string) => `{"requests":[{}],"requests":${list}}`,
    },
  ]
) {
  Deno.test(`POST /api/batch passes on what stands in ${name}, byte for byte but for the type`, async () => {
    const service = new FakeBatchService();
    const bodies: string[] = [];
    service.runNow = async function* (requests) {
      for (const [index, { body }] of requests.entries()) {
        bodies.push(new TextDecoder().decode(body));
        yield { index, answer: { status: 200, body: {}, retryAfterSeconds: undefined } };
      }
    };
    await using routes = new BatchesBed(service);
    const item = `"model":"e", "input": "]}\\"" ,"seed":9007199254740993`;
    const { status } = await routes.ask(
      "POST",
      "/api/batch",
      around(`[{"type":"embed",${item}} , {${item},"x":1e400,"type":"embed"}]`),
    );
    equal(status, 200);
    const passed = `"model":"e","input": "]}\\"","seed":9007199254740993`;
    deepEqual(bodies, [`{${passed}}`, `{${passed},"x":1e400}`]);
  });
}

for (
  const { name, body, param } of [
    { name: "nothing", body: "", param: "requests" },
    { name: "no JSON", body: "[", param: null },
    { name: "an empty list", body: [], param: "requests" },
    { name: "text", body: '"chat"', param: null },
    {
      name: "too many requests",
      body: Array.from({ length: 10_001 }, () => ({ type: "embed" })),
      param: "requests",
    },
    { name: "a request of no kind", body: [CHAT, { model: "m" }], param: "requests[1].type" },
    { name: "a request of an unknown kind", body: [CHAT, { type: "image" }], param: "requests[1].type" },
    { name: "a request that is none", body: [CHAT, CHAT, 5], param: "requests[2]" },
    {
      name: "a chat without messages",
      body: [EMBED, { type: "chat", model: "m" }],
      param: "requests[1].messages",
    },
    {
      name: "a message that is none",
      body: [{ ...CHAT, messages: ["hi"] }],
      param: "requests[0].messages[0]",
    },
    { name: "a prompt that is none", body: [{ ...GENERATE, prompt: 5 }], param: "requests[0].prompt" },
    { name: "a stream of one answer", body: [{ ...GENERATE, stream: true }], param: "requests[0].stream" },
    { name: "a stream of embeddings", body: [{ ...EMBED, stream: true }], param: "requests[0].stream" },
    { name: "a field that it does not know", body: { requests: ALL, priority: 1 }, param: "priority" },
  ]
) {
  Deno.test(`POST /api/batch refuses ${name}, and sends nothing`, async () => {
    const service = new FakeBatchService();
    let askedCount = 0;
    service.answer = () => (askedCount++, Promise.resolve({}));
    await using routes = new BatchesBed(service);
    const { status, body: said } = await routes.ask("POST", "/api/batch", body);
    deepEqual([status, said.error.param, askedCount], [400, param, 0], JSON.stringify(said));
  });
}

Deno.test("POST /api/batch refuses to pass requests on that are to go to one upstream", async () => {
  await using routes = new BatchesBed(new FakeBatchService());
  const { status, body } = await routes.ask("POST", "/api/batch", ALL, { "x-sollol-route": "a" });
  deepEqual([status, body.error.param], [400, "x-sollol-route"]);
});

Deno.test("POST /api/batch refuses a body that is too large", async () => {
  await using routes = new BatchesBed(new FakeBatchService());
  equal((await routes.ask("POST", "/api/batch", [{ ...EMBED, input: "x".repeat(2_000_000) }])).status, 413);
});

for (
  const { name, body, headers } of [
    { name: "asked for in the body", body: { requests: ALL, stream: true }, headers: {} },
    { name: "asked for in the header", body: ALL, headers: { accept: "text/event-stream" } },
  ]
) {
  Deno.test(`POST /api/batch tells each result as it comes, when ${name}`, async () => {
    const service = new FakeBatchService();
    const turns = ALL.map(() => Promise.withResolvers<void>());
    service.answer = async (_, index) => (await turns[index]!.promise, { body: `answer ${index}` });
    await using routes = new BatchesBed(service);
    const response = await fetch(`${routes.url}/api/batch`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
    equal(response.headers.get("content-type"), "text/event-stream");
    await using events = new EventReader(response);
    deepEqual(await events.nextJson(), { type: "progress", data: { done: 0, total: 3 } });
    for (const [done, index] of [2, 1, 0].entries()) {
      turns[index]!.resolve();
      const result = { index, status: 200, upstream: null, body: `answer ${index}` };
      deepEqual(await events.nextJson(), { type: "result", data: result });
      deepEqual(await events.nextJson(), { type: "progress", data: { done: done + 1, total: 3 } });
    }
    deepEqual(await events.nextJson(), { type: "done", data: { total: 3 } });
    equal(await events.next(), undefined);
  });
}

Deno.test("POST /api/batch ends what is under way when its client leaves", async () => {
  for (const stream of [true, false]) {
    const service = new FakeBatchService();
    const asked = Promise.withResolvers<AbortSignal>();
    service.answer = (_body, _index, signal) => {
      asked.resolve(signal);
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    };
    await using routes = new BatchesBed(service);
    const leave = new AbortController();
    const answered = fetch(`${routes.url}/api/batch`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ requests: ALL, stream }),
      signal: leave.signal,
    });
    const read = answered.then((response) => response.text()).catch((error) => error.name);
    const signal = await asked.promise;
    leave.abort();
    equal(await read, "AbortError");
    await until(() => signal.aborted, "the work is ended");
    deepEqual(routes.log.lines.filter(({ level }) => level === "error"), []);
  }
});

Deno.test("POST /api/batch tells in its stream that the gateway shuts down", async () => {
  const service = new FakeBatchService();
  service.answer = () => Promise.reject(new GatewayError("shutting_down", "The gateway is shutting down"));
  await using routes = new BatchesBed(service);
  const whole = await routes.ask("POST", "/api/batch", ALL);
  deepEqual([whole.status, whole.body.error.code], [503, "shutting_down"]);
  const response = await fetch(`${routes.url}/api/batch`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ requests: ALL, stream: true }),
  });
  const text = await response.text();
  ok(/event: error\ndata: \{"error":\{"message":"The gateway is shutting down"/.test(text), text);
});
