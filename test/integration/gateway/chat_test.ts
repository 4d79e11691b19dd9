import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { FakeLlamaServer } from "../../fakes/fake_llama_server.ts";
import { until } from "../../fixtures/until.ts";
import { GatewayBed } from "./gateway_bed.ts";

/** Data lines of an event stream. */
function eventsOf(text: string): string[] {
  return text.split("\n\n").filter((event) => event.startsWith("data: ")).map((event) => event.slice(6));
}

Deno.test("a chat is answered with the upstream's bytes and told where it went", async () => {
  await using bed = await GatewayBed.open();
  const response = await bed.chat();
  equal(response.status, 200);
  equal(response.headers.get("content-type"), "application/json");
  equal(response.headers.get("x-sollol-upstream"), "coordinator of fake:latest");
  match(response.headers.get("x-sollol-decision")!, /9 layers/);
  equal(response.headers.get("x-sollol-attempts"), "1");
  match(response.headers.get("x-sollol-load-ms")!, /^\d+$/);
  match(response.headers.get("x-sollol-request-id")!, /^[0-9a-f-]{36}$/);
  equal((await response.json()).choices[0].message.content, "hello from the fake");
});

Deno.test("the upstream gets the client's body untouched, with our own credentials and none of the client's", async () => {
  await using bed = await GatewayBed.open();
  const body = `{ "model":"fake",\t"messages":[{"role":"user","content":"h\u00e9"}], "x_unknown": 1e2 }`;
  const headers = {
    authorization: "Bearer client-key",
    cookie: "a=b",
    "x-forwarded-for": "1.2.3.4",
    connection: "x-hop",
    "x-hop": "1",
  };
  const response = await fetch(`${bed.url}/v1/chat/completions`, { method: "POST", body, headers });
  await response.body?.cancel();
  const seen = bed.upstream.seen[0]!;
  equal(seen.body, body);
  equal(seen.line, "POST /v1/chat/completions HTTP/1.1");
  match(seen.headers, /authorization: Bearer own-secret/i);
  for (const leaked of ["client-key", "cookie", "x-forwarded", "x-hop"]) {
    ok(!seen.headers.toLowerCase().includes(leaked), `${leaked} reached the upstream:\n${seen.headers}`);
  }
});

Deno.test("a stream passes through whole, without hop-by-hop and upstream-only headers", async () => {
  await using bed = await GatewayBed.open();
  const response = await bed.chat({ stream: true });
  match(response.headers.get("content-type")!, /^text\/event-stream/);
  for (const name of ["server", "access-control-allow-origin", "x-hop", "keep-alive"]) {
    equal(response.headers.get(name), null, name);
  }
  const events = eventsOf(await response.text());
  equal(events.length, 6);
  equal(events.at(-1), "[DONE]");
  await until(() => bed.requestLines.length === 1, "the request's log line");
  const { outcome, status, dataEventCount, upstream, attemptCount } = bed.requestLines[0]!;
  deepEqual([outcome, status, dataEventCount, upstream, attemptCount], [
    "ok",
    200,
    6,
    "coordinator of fake:latest",
    1,
  ]);
});

Deno.test("neither prompts nor answers are logged", async () => {
  await using bed = await GatewayBed.open();
  await (await bed.chat({ messages: [{ role: "user", content: "my secret question" }] })).text();
  const log = JSON.stringify(bed.logLines);
  ok(!log.includes("secret question") && !log.includes("hello from the fake"), log);
});

Deno.test("a stream that breaks ends with an error event, never silently, and never with half an event", async () => {
  await using bed = await GatewayBed.open();
  await (await bed.chat()).text();
  bed.upstream.then({ kind: "break", afterEvents: 2 });
  const response = await bed.chat({ stream: true });
  const events = eventsOf(await response.text());
  equal(events.length, 3);
  for (const event of events) JSON.parse(event); // half an event would not parse
  const { error } = JSON.parse(events[2]!);
  equal(error.code, "upstream_failed");
  equal(error.request_id, response.headers.get("x-sollol-request-id"));
  await until(() => bed.requestLines.length === 2, "the log line");
  deepEqual([bed.requestLines[1]!["outcome"], bed.requestLines[1]!["status"]], ["failed", 502]);
});

Deno.test("a stream that ends as HTTP but without [DONE] is a failure", async () => {
  await using bed = await GatewayBed.open();
  await (await bed.chat()).text();
  bed.upstream.then({ kind: "no_done", afterEvents: 3 });
  const events = eventsOf(await (await bed.chat({ stream: true })).text());
  match(JSON.parse(events.at(-1)!).error.message, /ended early, after 3 events/);
});

Deno.test("an error event of the upstream's own is passed on once", async () => {
  await using bed = await GatewayBed.open();
  await (await bed.chat()).text();
  bed.upstream.then({ kind: "error_event" });
  const events = eventsOf(await (await bed.chat({ stream: true })).text());
  equal(events.filter((event) => event.includes(`"error"`)).length, 1);
});

Deno.test("a coordinator that dies before the first byte is replaced, and the client notices nothing", async () => {
  await using bed = await GatewayBed.open();
  await (await bed.chat()).text();
  const first = bed.coordinators[0]!;
  first.server.then({ kind: "hang" });
  for (const stream of [true]) {
    const answer = bed.chat({ stream });
    await until(() => first.server.seen.length === 2, "the request at the first coordinator");
    await first.die("rpc backend 127.0.0.4:50052 was lost");
    const response = await answer;
    equal(response.status, 200);
    equal(response.headers.get("x-sollol-attempts"), "2");
    equal(eventsOf(await response.text()).at(-1), "[DONE]");
  }
  equal(bed.coordinators.length, 2);
  equal(bed.coordinators[1]!.server.seen.length, 1, "the chat ran twice");
});

Deno.test("a coordinator that dies amid a held-back answer is replaced too", async () => {
  await using bed = await GatewayBed.open();
  await (await bed.chat()).text();
  const first = bed.coordinators[0]!;
  first.server.then({ kind: "half_json" });
  const answer = bed.chat();
  await until(() => first.server.seen.length === 2, "the request");
  await first.die("it crashed");
  const response = await answer;
  deepEqual([response.status, response.headers.get("x-sollol-attempts")], [200, "2"]);
  await response.body?.cancel();
});

Deno.test("a death whose reason is slow to learn costs the request nothing but the wait", async () => {
  await using bed = await GatewayBed.open();
  await (await bed.chat()).text();
  const first = bed.coordinators[0]!;
  first.server.then({ kind: "hang" });
  const answer = bed.chat();
  await until(() => first.server.seen.length === 2, "the request");
  await first.die("rpc backend 127.0.0.4:50052 was lost", { explainedAfterMs: 600 });
  const response = await answer;
  deepEqual([response.status, response.headers.get("x-sollol-attempts")], [200, "2"]);
  await response.body?.cancel();
});

Deno.test("a request that an external coordinator may still be at work on is not sent again", async () => {
  await using outside = new FakeLlamaServer(["fake"], { kind: "close" });
  await using bed = await GatewayBed.open({ config: `coordinator_url: ${outside.url}` });
  const response = await bed.chat();
  equal(response.status, 502);
  match((await response.json()).error.message, /broke off/);
  equal(outside.seen.length, 1, "the chat ran twice");
});

Deno.test("an external answer without a body is passed on without one", async () => {
  await using outside = new FakeLlamaServer(["fake"], { kind: "status", status: 204, body: "" });
  await using bed = await GatewayBed.open({ config: `coordinator_url: ${outside.url}` });
  const response = await bed.chat();
  deepEqual([response.status, await response.text()], [204, ""]);
});

Deno.test("a coordinator of ours may load for longer than others have for a first byte", async () => {
  await using bed: GatewayBed = await GatewayBed.open({
    config: "timeouts: {first_byte: 100ms}",
    start: async (model) => {
      await new Promise((resolve) => setTimeout(resolve, 400));
      return bed.fake(model.key);
    },
  });
  const response = await bed.chat();
  equal(response.status, 200, await response.text());
});

Deno.test("two deaths in a row are told: a request is never asked a third time", async () => {
  await using bed: GatewayBed = await GatewayBed.open({
    start: (model) => Promise.resolve(bed.fake(model.key, { kind: "hang" })),
  });
  const answer = bed.chat();
  for (const index of [0, 1]) {
    await until(
      () => bed.coordinators[index]?.server.seen.length === 1,
      `the request at coordinator ${index}`,
    );
    await bed.coordinators[index]!.die("its rpc backend 127.0.0.4:50052 was lost");
  }
  const response = await answer;
  const { error } = await response.json();
  deepEqual([response.status, error.code], [502, "upstream_failed"]);
  match(error.message, /127\.0\.0\.4:50052 was lost/);
  equal(bed.coordinators.length, 2);
});

Deno.test("an upstream that refuses is believed: its 4xx passes through and is not retried", async () => {
  await using bed = await GatewayBed.open();
  await (await bed.chat()).text();
  const body =
    `{"error":{"code":400,"message":"request (9 tokens) exceeds the available context size","type":"exceed_context_size_error"}}`;
  bed.upstream.then({ kind: "status", status: 400, body });
  const response = await bed.chat();
  const { error } = await response.json();
  const { message, type } = JSON.parse(body).error;
  deepEqual([response.status, error.message, error.type], [400, message, type]);
  equal(error.code, "context_length_exceeded"); // where llama-server tells a status, OpenAI's clients look for a word
  equal(bed.upstream.seen.length, 2);
});

for (const phase of ["waiting for the answer", "streaming"] as const) {
  Deno.test(`a client that leaves while ${phase} cancels the upstream's work`, async () => {
    await using bed = await GatewayBed.open();
    await (await bed.chat()).text();
    bed.upstream.then(
      phase === "streaming" ? { kind: "ok", tokens: 1_000, intervalMs: 5 } : { kind: "hang" },
    );
    const client = new AbortController();
    const answer = bed.chat({ stream: true }, { signal: client.signal });
    if (phase === "streaming") {
      const reader = (await answer).body!.getReader();
      await reader.read();
      client.abort();
      await reader.cancel().catch(() => {});
    } else {
      await until(() => bed.upstream.seen.length === 2, "the request");
      client.abort();
      await rejects(answer);
    }
    await until(() => bed.upstream.cancelledCount === 1, "the upstream's cancellation");
    await until(() => bed.requestLines.length === 2, "the log line");
    deepEqual([bed.requestLines[1]!["outcome"], bed.requestLines[1]!["status"]], ["client_closed", 499]);
    const health = await (await fetch(`${bed.url}/health`)).json();
    equal(health.coordinators[0].inFlightCount, 0);
  });
}

Deno.test("a client that leaves during the load leaves nothing behind, and the load goes on", async () => {
  const load = Promise.withResolvers<void>();
  await using bed: GatewayBed = await GatewayBed.open({
    start: async (model) => {
      await load.promise;
      return bed.fake(model.key);
    },
  });
  const client = new AbortController();
  const answer = bed.chat({}, { signal: client.signal });
  await until(() => bed.logLines.some(({ state }) => state === "starting"), "the start");
  client.abort();
  await rejects(answer);
  load.resolve();
  await until(() => bed.logLines.some(({ state }) => state === "ready"), "readiness");
  equal(bed.upstream.seen.length, 0);
});

Deno.test("an unknown model is a 404 with near names and does not cost the loaded one its place", async () => {
  await using bed = await GatewayBed.open({ models: ["fake", "llama3.1:70b"] });
  await (await bed.chat()).text();
  const response = await bed.chat({ model: "llama3:70b" });
  const { error } = await response.json();
  deepEqual([response.status, error.code], [404, "model_not_found"]);
  match(error.message, /llama3\.1:70b/);
  equal(bed.coordinators[0]!.gone.aborted, false);
});

Deno.test("a failed start refuses with its sentence, and the gateway stays up", async () => {
  let isBroken = true;
  await using bed: GatewayBed = await GatewayBed.open({
    start: (model) => isBroken ? Promise.reject(new Error("boom")) : Promise.resolve(bed.fake(model.key)),
  });
  const failed = await bed.chat();
  equal(failed.status, 500);
  const { error } = await failed.json();
  ok(!error.message.includes("boom"), "an unclassified error reached the client");
  ok(JSON.stringify(bed.logLines).includes("boom"), "an unclassified error is not in the log");
  isBroken = false;
  let again = await bed.chat();
  equal(again.status, 500, "each request has it started again");
  const endMs = performance.now() + 10_000;
  while (again.status === 500 && performance.now() < endMs) {
    await again.text();
    await delay(100);
    again = await bed.chat();
  }
  equal((await again.json()).object, "chat.completion");
});

Deno.test("the external coordinator is used for what it serves, and a dead one is named", async () => {
  await using outside = new FakeLlamaServer(["fake"]);
  await using bed = await GatewayBed.open({ config: `coordinator_url: ${outside.url}`, rpcBackends: [] });
  const response = await bed.chat();
  equal(response.headers.get("x-sollol-upstream"), outside.url);
  equal((await response.json()).object, "chat.completion");
  const list = await (await fetch(`${bed.url}/v1/models`)).json();
  deepEqual(list.data.map(({ id }: { id: string }) => id), ["fake:latest"]);
  await outside[Symbol.asyncDispose]();
  const failed = await bed.chat();
  equal(failed.status, 502);
  match((await failed.json()).error.message, /127\.0\.0\.1:\d+.*(refused|down|closed)/);
});

Deno.test("when the external coordinator cannot be reached, our own backends save the request", async () => {
  await using outside = new FakeLlamaServer(["fake"]);
  await using bed = await GatewayBed.open({ config: `coordinator_url: ${outside.url}` });
  await outside[Symbol.asyncDispose]();
  const response = await bed.chat();
  deepEqual([response.status, response.headers.get("x-sollol-upstream")], [
    200,
    "coordinator of fake:latest",
  ]);
  match(
    response.headers.get("x-sollol-decision")!,
    /^9 layers .*coordinator at http:\/\/127\.0\.0\.1:\d+ is down: /,
  );
  await response.body?.cancel();
});

Deno.test("the metrics count what happened", async () => {
  await using bed = await GatewayBed.open();
  await (await bed.chat()).text();
  await (await bed.chat({ model: "nope" })).text();
  const text = await (await fetch(`${bed.url}/metrics`)).text();
  match(text, /sollol_requests_total\{to="coordinator",outcome="ok",status="200"\} 1/);
  match(text, /sollol_requests_total\{to="none",outcome="refused",status="404"\} 1/);
  match(text, /sollol_requests_in_flight 0/);
  match(text, /sollol_first_byte_seconds_count 1/);
});
