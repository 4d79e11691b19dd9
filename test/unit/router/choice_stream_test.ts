import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import type { Answer } from "../../../lib/router/answer.ts";
import type { AnswerEvents } from "../../../lib/router/answer_stream.ts";
import { SseReader } from "../../../lib/stream/sse_reader.ts";
import {
  answerOf,
  choosing,
  chunk,
  decode,
  DONE,
  encode,
  event,
  FakeEvents,
  turnOfEvents,
  usage,
  wholeOf,
} from "../../fakes/fake_choices.ts";

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
