import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import type { ClientDialect } from "../../../lib/dialects/client_dialect.ts";
import { ollamaGenerateDialect } from "../../../lib/dialects/ollama_dialect.ts";
import { openaiDialect } from "../../../lib/dialects/openai_dialect.ts";
import { GatewayError } from "../../../lib/errors.ts";
import type { Answer } from "../../../lib/router/answer.ts";
import type { AnswerEvents } from "../../../lib/router/answer_stream.ts";
import { type EarlyAnswer, type Patience, waitOrAnswer } from "../../../lib/router/patient_stream.ts";
import { FakeAnswerEvents, readAll } from "../../fakes/fake_answer_events.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const REPORT = {
  to: "coordinator",
  upstream: "coordinator of tiny",
  url: "unix:/c.sock",
  durationMs: 0,
  modelName: undefined,
  because: "it fits",
  attemptCount: 2,
  queueMs: 0.4,
  loadMs: 1_234,
} as const;

/** A request whose answer comes when the test says so. */
class Wait {
  readonly clock = new FakeClock();
  readonly abandon = new AbortController();
  readonly work = Promise.withResolvers<Answer>();
  readonly answer: Promise<Answer | EarlyAnswer>;
  what = `"tiny" to load`;

  private readonly dialect: ClientDialect;

  constructor(fields: Partial<Patience> = {}) {
    this.dialect = fields.dialect ?? openaiDialect;
    this.abandon.signal.addEventListener("abort", () => this.work.reject(this.abandon.signal.reason));
    this.answer = waitOrAnswer(this.work.promise, {
      requestId: "r1",
      model: "tiny",
      dialect: openaiDialect,
      clock: this.clock,
      commentEveryMs: 10_000,
      hasNotes: false,
      describeWait: () => this.what,
      abandon: this.abandon,
      ...fields,
    });
    this.answer.catch(() => {});
  }

  /** Time passes, and everybody who waits for it acts. */
  async passes(ms: number): Promise<void> {
    this.clock.advance(ms);
    await settled();
  }

  async early(afterMs = 10_000): Promise<AnswerEvents> {
    await settled();
    await this.passes(afterMs);
    const { status, headers, body, report } = await this.answer;
    deepEqual([status, report], [200, { because: `Waits for ${this.what}` }]);
    deepEqual(headers[0], ["content-type", this.dialect.streamType]);
    ok(!(body instanceof Uint8Array));
    return body;
  }

  give(body: Uint8Array | AnswerEvents, status = 200): void {
    this.work.resolve({ status, headers: [], report: REPORT, body });
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

async function nextText(events: AnswerEvents): Promise<string | null> {
  const bytes = await events.read();
  return bytes && new TextDecoder().decode(bytes);
}

Deno.test("an answer that comes in time is the answer, whatever its status", async () => {
  const wait = new Wait();
  wait.give(new Uint8Array(3), 404);
  equal((await wait.answer).status, 404);
  deepEqual((await wait.answer).report, REPORT);
});

Deno.test("a refusal that comes in time is thrown, so that it keeps its status", async () => {
  const wait = new Wait();
  wait.work.reject(new GatewayError("rate_limited", "the queue is full"));
  await rejects(wait.answer, { code: "rate_limited" });
});

Deno.test("comments tell what is waited for, at once and then as often as configured; the events follow untouched", async () => {
  const wait = new Wait();
  const body = await wait.early();
  equal(await nextText(body), `: waiting for "tiny" to load (10.0 s so far)\n\n`);
  wait.what = `"tiny" to load, 43 %\r\nevil: header\u2028`;
  const second = nextText(body);
  await wait.passes(10_000);
  equal(await second, `: waiting for "tiny" to load, 43 % evil: header  (20.0 s so far)\n\n`);
  wait.give(new FakeAnswerEvents(["data: 1\n\n", "data: [DONE]\n\n"]));
  const { text } = await readAll(body);
  match(
    text,
    /^: x-sollol-upstream: coordinator of tiny; x-sollol-attempts: 2; x-sollol-queue-ms: 0; x-sollol-load-ms: 1234\n\n/,
  );
  ok(text.endsWith("\n\ndata: 1\n\ndata: [DONE]\n\n"));
  equal(await body.read(), null);
});

Deno.test("whoever only loads a model gets lines while it loads, then the one object that Ollama answers", async () => {
  const wait = new Wait({ dialect: ollamaGenerateDialect });
  const body = await wait.early();
  const line = JSON.parse((await nextText(body))!);
  deepEqual([line.model, line.response, line.done], ["tiny", "", false]);
  const loaded = `{"model":"tiny","response":"","done":true,"done_reason":"load"}`;
  wait.give(new TextEncoder().encode(loaded));
  deepEqual(await readAll(body), { text: `${loaded}\n`, error: undefined });
});

const REFUSAL = `{"error":{"message":"too long","type":"exceed_context_size_error","code":400,"n_ctx":9}}`;
const refusals: { name: string; status: number; body: string; want: RegExp }[] = [
  {
    name: "an upstream's refusal",
    status: 400,
    body: REFUSAL,
    want: /^\{"error":\{"message":"too long".*"n_ctx":9/,
  },
  { name: "a refusal that is no JSON", status: 500, body: "<html>", want: /answered 500 without saying why/ },
  {
    name: "a refusal without a sentence",
    status: 500,
    body: `{"error":5}`,
    want: /answered 500 without saying why/,
  },
  {
    name: "a whole answer though a stream was asked for",
    status: 200,
    body: "{}",
    want: /answered 200 without a stream/,
  },
  { name: "an empty refusal", status: 503, body: "", want: /answered 503/ },
];
for (const { name, status, body, want } of refusals) {
  Deno.test(`once the answer has begun, ${name} is an event`, async () => {
    const wait = new Wait();
    const events = await wait.early();
    wait.give(new TextEncoder().encode(body), status);
    const { text, error } = await readAll(events);
    equal(error, undefined);
    const data = text.split("\n\n").filter((line) => line.startsWith("data: ")).map((line) => line.slice(6));
    equal(data.length, 1);
    match(data[0]!, want);
    equal(typeof JSON.parse(data[0]!).error.message, "string");
  });
}

Deno.test("a wait that fails is thrown by the stream, once", async () => {
  const wait = new Wait();
  const events = await wait.early();
  await events.read();
  wait.work.reject(new GatewayError("insufficient_memory", "does not fit"));
  await rejects(events.read(), { code: "insufficient_memory" });
  equal(await events.read(), null);
});

Deno.test("a client that leaves during the wait ends the work", async () => {
  const wait = new Wait();
  const events = await wait.early();
  await events.read();
  const reading = events.read();
  reading.catch(() => {});
  events.cancel();
  equal(wait.abandon.signal.aborted, true);
  await rejects(reading, { code: "client_closed" });
});

Deno.test("an answer that comes when the client has left is cancelled", async () => {
  for (const isReading of [false, true]) {
    const wait = new Wait();
    const events = await wait.early();
    await events.read();
    const inner = new FakeAnswerEvents(["data: 1\n\n"]);
    const reading = isReading ? events.read() : undefined;
    wait.give(inner);
    events.cancel();
    await settled();
    equal(inner.isCancelled, true);
    equal(await reading ?? null, null);
  }
});

Deno.test("a client that leaves while events come cancels them", async () => {
  const wait = new Wait();
  const events = await wait.early();
  await events.read();
  const inner = new FakeAnswerEvents(["data: 1\n\n", "silence"]);
  wait.give(inner);
  await events.read();
  events.cancel();
  deepEqual([inner.isCancelled, wait.abandon.signal.aborted], [true, false]);
});

Deno.test("with notes the answer begins after half a second, and people read what it waits for", async () => {
  const wait = new Wait({ hasNotes: true });
  const events = await wait.early(500);
  const notes = [await nextText(events)];
  const second = nextText(events);
  await wait.passes(5_000);
  notes.push(await second);
  const chunks = notes.map((note) => JSON.parse(note!.slice("data: ".length)));
  deepEqual(chunks.map(({ choices }) => choices[0].delta), [
    { role: "assistant", content: null, reasoning_content: `Waiting for "tiny" to load (500 ms so far)…\n` },
    { reasoning_content: `Waiting for "tiny" to load (5.5 s so far)…\n` },
  ]);
  deepEqual(
    new Set(chunks.map(({ id, model, object, created }) => `${id} ${model} ${object} ${created}`)).size,
    1,
  );
  events.cancel();
});
