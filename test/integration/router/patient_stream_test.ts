import { deepEqual, equal, match, rejects } from "node:assert/strict";
import OpenAI from "openai";
import { openaiDialect } from "../../../lib/dialects/openai_dialect.ts";
import { systemClock } from "../../../lib/clock.ts";
import { GatewayError } from "../../../lib/errors.ts";
import type { Answer } from "../../../lib/router/answer.ts";
import { type Patience, waitOrAnswer } from "../../../lib/router/patient_stream.ts";
import { toResponse } from "../../../routes/answer.ts";
import { FakeAnswerEvents } from "../../fakes/fake_answer_events.ts";
import { until } from "../../fixtures/until.ts";

const REPORT = {
  to: "coordinator",
  upstream: "coordinator of tiny",
  url: "unix:/c.sock",
  durationMs: 0,
  modelName: undefined,
  because: "it fits",
  attemptCount: 1,
  queueMs: 0,
  loadMs: 5,
} as const;
const HEAD = { id: "chatcmpl-up", object: "chat.completion.chunk", created: 1, model: "tiny" };
const chunk = (choice: Record<string, unknown>) =>
  `data: ${JSON.stringify({ ...HEAD, choices: [{ index: 0, finish_reason: null, ...choice }] })}\n\n`;
const EVENTS = [
  chunk({ delta: { role: "assistant", content: null } }),
  chunk({ delta: { content: "hello" } }),
  chunk({ delta: { content: " world" } }),
  chunk({ delta: {}, finish_reason: "stop" }),
  "data: [DONE]\n\n",
];

/** A server whose one answer has to be waited for, and the official SDK as its client. */
class WaitingServer implements AsyncDisposable {
  readonly work = Promise.withResolvers<Answer>();
  readonly abandon = new AbortController();
  readonly client: OpenAI;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(fields: Partial<Patience> = {}) {
    this.work.promise.catch(() => {});
    this.abandon.signal.addEventListener("abort", () => this.work.reject(this.abandon.signal.reason));
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async () => {
      const answer = await waitOrAnswer(this.work.promise, {
        requestId: "r1",
        model: "tiny",
        dialect: openaiDialect,
        clock: systemClock,
        commentEveryMs: 20,
        hasNotes: false,
        describeWait: () => `"tiny" to load`,
        abandon: this.abandon,
        ...fields,
      });
      return toResponse(answer, "r1", openaiDialect);
    });
    this.client = new OpenAI({ baseURL: this.url, apiKey: "none", maxRetries: 0 });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  give(): FakeAnswerEvents {
    const events = new FakeAnswerEvents(EVENTS);
    const headers = [["content-type", "text/event-stream"]] as const;
    this.work.resolve({ status: 200, headers, report: REPORT, body: events });
    return events;
  }

  chat() {
    return this.client.chat.completions.stream({
      model: "tiny",
      messages: [{ role: "user", content: "hi" }],
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

for (const hasNotes of [false, true]) {
  Deno.test(`the official SDK waits ${hasNotes ? "with notes" : "over comments"} and gets the whole answer`, async () => {
    await using server = new WaitingServer({ hasNotes });
    const stream = server.chat();
    let reasoning = "";
    stream.on("chunk", ({ choices }) => {
      const delta = choices[0]!.delta as { reasoning_content?: string };
      reasoning += delta.reasoning_content ?? "";
      if (reasoning !== "") server.give();
    });
    stream.on("connect", () => hasNotes || server.give()); // the head has come, though there is no answer
    const { choices } = await stream.finalChatCompletion();
    const { message, finish_reason } = choices[0]!;
    deepEqual([message.role, message.content, finish_reason], ["assistant", "hello world", "stop"]);
    match(reasoning, hasNotes ? /^Waiting for "tiny" to load \([\d.]+ m?s so far\)…\n/ : /^$/);
  });
}

Deno.test("the head is there while the answer is waited for, then comments, then the answer", async () => {
  await using server = new WaitingServer();
  const response = await fetch(server.url);
  deepEqual([response.status, response.headers.get("content-type")], [200, "text/event-stream"]);
  equal(response.headers.get("x-sollol-decision"), `Waits for "tiny" to load`);
  equal(response.headers.get("x-sollol-upstream"), null);
  const reader = response.body!.pipeThrough(new TextDecoderStream() as ReadableWritablePair).getReader();
  let text = "";
  while (text.split(": waiting for").length < 4) text += (await reader.read()).value;
  server.give();
  for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
  match(
    text,
    /^(: waiting for "tiny" to load \([\d.]+ m?s so far\)\n\n)+: x-sollol-upstream: coordinator of tiny;.*\n\ndata: /,
  );
  equal(text.endsWith(EVENTS.join("")), true);
});

const failures: { name: string; fail: (server: WaitingServer) => void; want: RegExp }[] = [
  {
    name: "a wait that fails",
    fail: ({ work }) => work.reject(new GatewayError("insufficient_memory", "It needs 71.0 GiB")),
    want: /It needs 71\.0 GiB/,
  },
  {
    name: "a refusal of the upstream",
    fail: ({ work }) => {
      const body = new TextEncoder().encode(`{"error":{"message":"too long","code":400,"type":"x"}}`);
      work.resolve({ status: 400, headers: [], body, report: REPORT });
    },
    want: /too long/,
  },
  {
    name: "a bug",
    fail: ({ work }) => work.reject(new TypeError("a secret")),
    want: /Something went wrong inside/,
  },
];
for (const { name, fail, want } of failures) {
  Deno.test(`${name} is an error that the official SDK throws`, async () => {
    await using server = new WaitingServer();
    const stream = await server.client.chat.completions.create({
      model: "tiny",
      messages: [{ role: "user", content: "hi" }],
      stream: true,
    });
    fail(server);
    await rejects(async () => {
      for await (const _ of stream);
    }, want);
  });
}

Deno.test("a client that leaves during the wait ends it", async () => {
  await using server = new WaitingServer();
  const client = new AbortController();
  const response = await fetch(server.url, { signal: client.signal });
  const reader = response.body!.getReader();
  await reader.read();
  client.abort();
  await reader.cancel().catch(() => {});
  await until(() => server.abandon.signal.aborted, "the end of the wait", { withinMs: 10_000 });
});
