import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import type { ExchangeFor } from "../../../lib/dialects/exchange.ts";
import { GatewayError } from "../../../lib/errors.ts";
import type { Answer, AnswerReport } from "../../../lib/router/answer.ts";
import type { AnswerEvents } from "../../../lib/router/answer_stream.ts";
import { answerInChoices, type ChoiceRequest } from "../../../lib/router/choices.ts";
import { SseReader } from "../../../lib/stream/sse_reader.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const REPORT: AnswerReport = {
  to: "node",
  upstream: "gpu-1",
  url: "http://127.0.0.1:1",
  because: "it is the only one",
  attemptCount: 1,
  queueMs: 1,
  loadMs: 2,
  durationMs: 3,
  modelName: undefined,
};

/** A stream whose events the test gives, one read each. */
class FakeEvents implements AnswerEvents {
  isCancelled = false;
  readCount = 0;
  readonly #steps: (string | null | Error)[] = [];
  #wake = () => {};

  say(...steps: (string | null | Error)[]): this {
    this.#steps.push(...steps);
    this.#wake();
    return this;
  }

  async read(): Promise<Uint8Array<ArrayBuffer> | null> {
    this.readCount++;
    while (this.#steps.length === 0 && !this.isCancelled) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const step = this.#steps.shift() ?? null;
    if (step instanceof Error) throw step;
    return step === null ? null : encode(step);
  }

  cancel(): void {
    this.isCancelled = true;
    this.#wake();
  }
}

const chunk = (id: string, text: string, more: Record<string, unknown> = {}) =>
  event({
    id,
    object: "chat.completion.chunk",
    created: 1,
    model: "m",
    choices: [{ index: 0, delta: { content: text } }],
    ...more,
  });
const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const DONE = "data: [DONE]\n\n";
const usage = (id: string, prompt: number, completion: number) =>
  chunk(id, "", {
    choices: [],
    usage: {
      prompt_tokens: prompt,
      completion_tokens: completion,
      prompt_tokens_details: { cached_tokens: 1 },
    },
    timings: {},
  });

const answerOf = (body: Uint8Array | AnswerEvents, status = 200, upstream = "gpu-1"): Answer => ({
  status,
  headers: [["content-type", "application/json"], ["content-length", "5"]],
  body,
  report: { ...REPORT, upstream },
});
const wholeOf = (value: unknown, status?: number, upstream?: string) =>
  answerOf(encode(JSON.stringify(value)), status, upstream);

interface Asked {
  readonly index: number;
  readonly signal: AbortSignal;
  readonly give: (answer: Answer | Error) => void;
}

/** Asks for so many choices; the test answers each. */
function choosing(count: number, stream: boolean) {
  const exchanges: ExchangeFor[] = Array.from({ length: count }, () => () => Promise.reject(new TypeError()));
  const asked: Asked[] = [];
  const ends: unknown[] = [];
  const left = new AbortController();
  const request: ChoiceRequest = { exchange: exchanges[0]!, stream, signal: left.signal };
  const answer = answerInChoices({
    request,
    exchanges,
    ask: ({ exchange, signal }) => {
      const { promise, resolve, reject } = Promise.withResolvers<Answer>();
      signal.addEventListener("abort", () => reject(signal.reason));
      const give = (given: Answer | Error) => given instanceof Error ? reject(given) : resolve(given);
      asked.push({ index: exchanges.indexOf(exchange), signal, give });
      return promise;
    },
    onEnd: (error) => ends.push(error),
  });
  answer.catch(() => {});
  return { answer, asked, ends, left };
}

const turnOfEvents = async () => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
};

Deno.test("whole answers become one: choices in their order whoever is first, what they took together", async () => {
  const { answer, asked } = choosing(3, false);
  for (const { index, give } of asked.toReversed()) {
    give(wholeOf(
      {
        id: `chatcmpl-${index}`,
        model: "m",
        choices: [{ index: 0, message: { content: `text ${index}` }, finish_reason: "stop" }],
        usage: { prompt_tokens: 5, completion_tokens: index, total_tokens: 5 + index },
        timings: { predicted_ms: 1 },
      },
      200,
      `gpu-${index % 2}`,
    ));
  }
  const { status, headers, body, report } = await answer;
  equal(status, 200);
  deepEqual(headers, [["content-type", "application/json"]]);
  deepEqual(JSON.parse(decode(body as Uint8Array)), {
    id: "chatcmpl-0",
    model: "m",
    choices: [0, 1, 2].map((index) => ({
      index,
      message: { content: `text ${index}` },
      finish_reason: "stop",
    })),
    usage: { prompt_tokens: 15, completion_tokens: 3, total_tokens: 18 },
  });
  equal(report.upstream, "gpu-0, gpu-1");
  equal(report.because, "3 choices over gpu-0, gpu-1: it is the only one");
  equal(report.attemptCount, 3);
});

for (const stream of [false, true]) {
  const what = stream ? "streams" : "whole answers";

  Deno.test(`of ${what} the refusal of one is the answer, and the others are given up`, async () => {
    const { answer, asked, ends } = choosing(3, stream);
    asked[1]!.give(wholeOf({ error: { message: "no" } }, 400));
    const { status, body } = await answer;
    equal(status, 400);
    equal(decode(body as Uint8Array), `{"error":{"message":"no"}}`);
    ok(asked[0]!.signal.aborted && asked[2]!.signal.aborted);
    deepEqual(ends, []);
  });

  Deno.test(`of ${what} the failure of one is that of all before the first byte`, async () => {
    const { answer, asked, ends } = choosing(2, stream);
    asked[1]!.give(new GatewayError("no_capacity", "full"));
    await rejects(answer, { code: "no_capacity" });
    ok(asked[0]!.signal.aborted);
    deepEqual(ends, []);
  });

  Deno.test(`of ${what} none goes on when the client leaves before the first byte`, async () => {
    const { answer, asked, left } = choosing(2, stream);
    left.abort(new GatewayError("client_closed", "left"));
    await rejects(answer, { code: "client_closed" });
    ok(asked.every(({ signal }) => signal.aborted));
  });

  Deno.test(`of ${what} so many are asked for at a time, and the rest when there is room`, async () => {
    const { asked } = choosing(20, stream);
    equal(asked.length, 16);
    asked[3]!.give(stream ? answerOf(new FakeEvents().say(null)) : wholeOf({ choices: [{}] }));
    await turnOfEvents();
    equal(asked.length, 17);
    equal(asked[16]!.index, 16);
  });
}

for (const body of ["{", "null", `{"choices":[]}`, `{"choices":[{},{}]}`]) {
  Deno.test(`an answer that is none breaks the whole: ${body}`, async () => {
    const { answer, asked } = choosing(1, false);
    asked[0]!.give(answerOf(encode(body)));
    await rejects(answer, { code: "upstream_failed" });
  });
}

async function eventsOf({ body }: Answer): Promise<{ data: unknown[]; raw: string }> {
  const events = body as AnswerEvents;
  let raw = "";
  for (let read = await events.read(); read !== null; read = await events.read()) raw += decode(read);
  const data = new SseReader().push(encode(raw)).map(({ data }) =>
    data === "[DONE]" ? data : JSON.parse(data)
  );
  return { data, raw };
}

Deno.test("streams become one: indices told apart, one head, one usage, one end", async () => {
  const { answer, asked, ends } = choosing(2, true);
  asked[1]!.give(
    answerOf(new FakeEvents().say(chunk("b", "B1"), chunk("b", "B2") + usage("b", 5, 2) + DONE, null)),
  );
  const given = await answer;
  const reading = eventsOf(given);
  await turnOfEvents();
  asked[0]!.give(
    answerOf(new FakeEvents().say(chunk("a", "A1") + chunk("a", "A2"), usage("a", 5, 2), DONE, null)),
  );
  const { data } = await reading;
  const head = { id: "b", object: "chat.completion.chunk", created: 1, model: "m" };
  const word = (index: number, content: string) => ({ ...head, choices: [{ index, delta: { content } }] });
  deepEqual(data, [
    word(1, "B1"),
    word(1, "B2"),
    word(0, "A1"),
    word(0, "A2"),
    {
      ...head,
      choices: [],
      usage: { prompt_tokens: 10, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 2 } },
    },
    "[DONE]",
  ]);
  deepEqual(ends, [undefined]);
});

Deno.test("usage beside a choice is that of all so far, and none is told that nobody told", async () => {
  const { answer, asked } = choosing(2, true);
  const last = (id: string) =>
    event({ id, choices: [{ index: 0, text: "x" }], usage: { prompt_tokens: 1 } }) + DONE;
  asked[0]!.give(answerOf(new FakeEvents().say(last("a"), null)));
  asked[1]!.give(answerOf(new FakeEvents().say(last("b"), null)));
  const { data } = await eventsOf(await answer);
  deepEqual(data.map((said) => (said as { usage?: unknown }).usage), [
    { prompt_tokens: 1 },
    { prompt_tokens: 2 },
    undefined,
  ]);
});

Deno.test("a coordinator with one slot begins the second choice when the client has read the first", async () => {
  const { answer, asked } = choosing(2, true);
  const first = new FakeEvents().say(chunk("a", "1"), chunk("a", "2"), DONE, null);
  asked[0]!.give(answerOf(first));
  const reading = eventsOf(await answer);
  await turnOfEvents();
  equal(first.readCount, 4);
  asked[1]!.give(answerOf(new FakeEvents().say(chunk("b", "3") + DONE, null)));
  equal((await reading).data.length, 4);
});

Deno.test("no stream is read further than the client has read", async () => {
  const { answer, asked } = choosing(2, true);
  const streams = ["a", "b"].map((id) =>
    new FakeEvents().say(chunk(id, "1"), chunk(id, "2"), chunk(id, "3"), null)
  );
  asked.forEach(({ give }, index) => give(answerOf(streams[index]!)));
  const { body } = await answer;
  await turnOfEvents();
  deepEqual(streams.map(({ readCount }) => readCount), [1, 1]);
  await (body as AnswerEvents).read();
  await turnOfEvents();
  deepEqual(streams.map(({ readCount }) => readCount), [2, 1]);
  (body as AnswerEvents).cancel();
});

Deno.test("comments that show that a choice lives pass", async () => {
  const { answer, asked } = choosing(1, true);
  asked[0]!.give(answerOf(new FakeEvents().say(chunk("a", "1"), ": ping\n\n", DONE, null)));
  ok((await eventsOf(await answer)).raw.includes(": ping\n\n"));
});

Deno.test("an error that an upstream tells ends all without a [DONE]", async () => {
  const { answer, asked, ends } = choosing(2, true);
  const other = new FakeEvents().say(chunk("b", "1"));
  asked[1]!.give(answerOf(other));
  asked[0]!.give(answerOf(new FakeEvents().say(event({ error: { message: "Compute error." } }), null)));
  const { raw } = await eventsOf(await answer);
  ok(raw.endsWith(event({ error: { message: "Compute error." } })), raw);
  ok(!raw.includes("[DONE]"));
  ok(other.isCancelled);
  deepEqual(ends, [undefined]);
});

for (
  const { name, end, message } of [
    {
      name: "that breaks",
      end: answerOf(new FakeEvents().say(chunk("b", "1"), new GatewayError("upstream_failed", "gone"))),
      message: /gone/,
    },
    {
      name: "that is refused later",
      end: wholeOf({ error: { message: "too long" } }, 400),
      message: /gpu-1 refused one of the choices: too long/,
    },
    {
      name: "that cannot be asked later",
      end: new GatewayError("upstream_failed", "nobody"),
      message: /nobody/,
    },
    {
      name: "that says nonsense",
      end: answerOf(new FakeEvents().say("data: {\n\n")),
      message: /cannot be understood/,
    },
  ]
) {
  Deno.test(`a choice ${name} breaks the stream that has begun, and ends the others`, async () => {
    const { answer, asked, ends } = choosing(2, true);
    const other = new FakeEvents().say(chunk("a", "1"));
    asked[0]!.give(answerOf(other));
    const { body } = await answer;
    const events = body as AnswerEvents;
    ok(await events.read());
    asked[1]!.give(end);
    await rejects(async () => {
      while (await events.read());
    }, { code: "upstream_failed", message });
    ok(other.isCancelled);
    equal(ends.length, 1);
    ok(ends[0] instanceof GatewayError);
    await rejects(events.read(), { code: "upstream_failed" });
  });
}

Deno.test("when the client leaves all choices end: those that answer, and those that are still asked for", async () => {
  const { answer, asked, ends } = choosing(3, true);
  const streams = [new FakeEvents().say(chunk("a", "1")), new FakeEvents()];
  streams.forEach((stream, index) => asked[index]!.give(answerOf(stream)));
  const { body } = await answer;
  await turnOfEvents();
  (body as AnswerEvents).cancel();
  await turnOfEvents();
  ok(streams.every(({ isCancelled }) => isCancelled));
  ok(asked[2]!.signal.aborted);
  equal((ends[0] as GatewayError).code, "client_closed");
  equal(ends.length, 1);
});
