import { deepEqual, equal } from "node:assert/strict";
import { DeliveredAnswer } from "../../../lib/dialects/openai_delivered.ts";

const HEAD = { id: "c1", object: "chat.completion.chunk", created: 1, model: "m" };

function event(choice: Record<string, unknown>): string {
  const choices = [{ index: 0, finish_reason: null, delta: {}, ...choice }];
  return `data: ${JSON.stringify({ ...HEAD, choices })}\n\n`;
}

const ROLE = event({ delta: { role: "assistant", content: null } });
const text = (content: string) => event({ delta: { content } });
const USAGE = `data: ${JSON.stringify({ ...HEAD, choices: [], usage: { prompt_tokens: 1 } })}\n\n`;

function delivered(...events: string[]): DeliveredAnswer {
  const answer = new DeliveredAnswer();
  for (const part of events) answer.push(new TextEncoder().encode(part));
  return answer;
}

Deno.test("each piece of text is kept by itself, with the head of the stream", () => {
  const answer = delivered(ROLE, `: ping\n\n${text(" h\u00e9")}${text("\n\n")}`, text("\u{1F600}"));
  deepEqual(answer.pieces, [" h\u00e9", "\n\n", "\u{1F600}"]);
  equal(answer.text, " h\u00e9\n\n\u{1F600}");
  deepEqual([answer.head!.id, answer.isBegun, answer.obstacle, answer.finishReason], [
    "c1",
    true,
    undefined,
    undefined,
  ]);
});

Deno.test("nothing is begun by comments, by a role, by the progress of a prompt", () => {
  for (const events of [[], [": ping\n\n"], [ROLE], [ROLE, event({ delta: { content: "" } })]]) {
    const answer = delivered(...events);
    deepEqual([answer.isBegun, answer.obstacle], [false, undefined]);
  }
});

Deno.test("what the client was told at the end is known", () => {
  const ended = delivered(ROLE, text("a"), event({ finish_reason: "length" }));
  deepEqual([ended.finishReason, ended.hasUsage], ["length", false]);
  equal(
    delivered(ROLE, text("a"), event({ finish_reason: "stop" }), USAGE, "data: [DONE]\n\n").hasUsage,
    true,
  );
});

const obstacles: { name: string; event: string; want: RegExp }[] = [
  { name: "a tool call", event: event({ delta: { tool_calls: [{ index: 0 }] } }), want: /tool/ },
  { name: "reasoning", event: event({ delta: { reasoning_content: "hm" } }), want: /reasoning/ },
  { name: "another choice", event: event({ index: 1, delta: { content: "a" } }), want: /choice/ },
  { name: "bytes that are no text", event: text("\uFFFD"), want: /no text/ },
  { name: "an error", event: `data: {"error":{"message":"x"}}\n\n`, want: /no chat chunk/ },
  { name: "garbage", event: `data: {"choices":\n\n`, want: /no chat chunk/ },
  { name: "text of another kind", event: event({ delta: { content: 5 } }), want: /no chat chunk/ },
];
for (const { name, event, want } of obstacles) {
  Deno.test(`${name} stands in the way of a continuation, and what comes later does not take it away`, () => {
    const answer = delivered(ROLE, text("a"), event, text("b"));
    equal(want.test(answer.obstacle!), true, answer.obstacle);
    deepEqual([answer.isBegun, answer.pieces], [true, []]);
  });
}
