import { deepEqual, equal, match } from "node:assert/strict";
import { anthropicDialect } from "../../../lib/dialects/anthropic_dialect.ts";
import { openaiDialect } from "../../../lib/dialects/openai_dialect.ts";
import { GatewayError } from "../../../lib/errors.ts";
import { type ClientAnswer, toResponse } from "../../../routes/answer.ts";
import { FakeAnswerEvents, type Step } from "../../fakes/fake_answer_events.ts";

const REPORT = {
  upstream: "coordinator of \u00e9",
  because: "it fits",
  attemptCount: 1,
  queueMs: 0.6,
  loadMs: 2,
};

function response(fields: Partial<ClientAnswer>): Response {
  const answer = { status: 200, headers: [], body: new Uint8Array(), report: REPORT, ...fields };
  return toResponse(answer, "r1", openaiDialect);
}

function streamed(steps: Step[]): Promise<string> {
  return response({ body: new FakeAnswerEvents(steps) }).text();
}

Deno.test("the head says where the answer comes from, as far as it is known", () => {
  deepEqual(xHeaders(response({})), {
    "x-sollol-request-id": "r1",
    "x-sollol-upstream": "coordinator of ?",
    "x-sollol-decision": "it fits",
    "x-sollol-attempts": "1",
    "x-sollol-queue-ms": "1",
    "x-sollol-load-ms": "2",
  });
  const early = response({ report: { because: "Waits for a slot" }, body: new FakeAnswerEvents([]) });
  deepEqual(xHeaders(early), { "x-sollol-request-id": "r1", "x-sollol-decision": "Waits for a slot" });
});

Deno.test("Anthropic's clients find the request's id where their SDKs look for it", () => {
  const answer = { status: 200, headers: [], body: new Uint8Array(), report: REPORT };
  equal(toResponse(answer, "r1", anthropicDialect).headers.get("request-id"), "r1");
  equal(toResponse(answer, "r1", openaiDialect).headers.has("request-id"), false);
});

function xHeaders({ headers }: Response): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => name.startsWith("x-sollol-")));
}

Deno.test("a stream is not stored, and keeps the upstream's own word on that", () => {
  const body = () => new FakeAnswerEvents([]);
  equal(response({ body: body() }).headers.get("cache-control"), "no-cache");
  const headers = [["cache-control", "no-store"]] as const;
  equal(response({ body: body(), headers }).headers.get("cache-control"), "no-store");
});

Deno.test("events pass as they are", async () => {
  equal(await streamed(["data: 1\n\n", "data: [DONE]\n\n"]), "data: 1\n\ndata: [DONE]\n\n");
});

Deno.test("what breaks a stream is its last event", async () => {
  const text = await streamed(["data: 1\n\n", new GatewayError("upstream_failed", "it died")]);
  match(text, /^data: 1\n\ndata: \{"error":\{"message":"it died".*"request_id":"r1"\}\}\n\n$/);
});

Deno.test("what nobody understands is not shown, but the stream ends with an event that says so", async () => {
  const text = await streamed([new TypeError("secret of ours")]);
  match(text, /"code":"internal"/);
  equal(text.includes("secret"), false);
});

Deno.test("a client that leaves cancels the events, also while they are waited for", async () => {
  const events = new FakeAnswerEvents(["data: 1\n\n", "silence"]);
  const reader = response({ body: events }).body!.getReader();
  await reader.read();
  const reading = reader.read();
  await reader.cancel();
  equal(events.isCancelled, true);
  equal((await reading).done, true);
});
