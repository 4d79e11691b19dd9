import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import {
  answerOf,
  choosing,
  decode,
  encode,
  FakeEvents,
  turnOfEvents,
  wholeOf,
} from "../../fakes/fake_choices.ts";

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
