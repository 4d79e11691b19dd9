import { equal, throws } from "node:assert/strict";
import type { ChatEvent, TokenLogprob } from "../../../lib/dialects/chat.ts";
import { OllamaAnswer } from "../../../lib/dialects/ollama_chat_answer.ts";

const times = { now: () => Date.UTC(2026, 10, 21), elapsedMs: () => 2, loadMs: 1 };
const HEAD = `{"model":"m","created_at":"2026-11-21T00:00:00.000Z"`;
const END =
  `"total_duration":3000000,"load_duration":1000000,"prompt_eval_count":5,"prompt_eval_duration":1000000,"eval_count":2,"eval_duration":1000000`;
const usage: ChatEvent = {
  kind: "usage",
  usage: { promptTokens: 5, completionTokens: 2, promptMs: 1, completionMs: 1 },
};
const text = (said: string): ChatEvent => ({ kind: "text", text: said });
const reasoning = (said: string): ChatEvent => ({ kind: "reasoning", text: said });
const stop: ChatEvent = { kind: "finish", reason: "stop" };
const call: ChatEvent[] = [
  { kind: "tool_call", index: 0, id: "a", name: "f" },
  { kind: "arguments", index: 0, json: `{"x":\n1}` },
];
const other: TokenLogprob = { token: "b", logprob: -2, alternatives: [] };
const logprobs: ChatEvent = {
  kind: "logprobs",
  tokens: [{ token: "a", logprob: -1, bytes: [97], alternatives: [other, other] }],
};
const CALL = `"tool_calls":[{"id":"a","function":{"index":0,"name":"f","arguments":{"x":1}}}]`;
const LOGPROBS =
  `"logprobs":[{"token":"a","logprob":-1,"bytes":[97],"top_logprobs":[{"token":"b","logprob":-2}]}]`;
const message = (members: string) => `"message":{"role":"assistant",${members}}`;

for (
  const { name, kind, events, want } of [
    {
      name: "each text is a line",
      kind: "chat",
      events: [text("a"), text(`"\n`), usage, stop],
      want: [
        `${HEAD},${message(`"content":"a"`)},"done":false}`,
        `${HEAD},${message(`"content":"\\"\\n"`)},"done":false}`,
        `${HEAD},${message(`"content":""`)},"done":true,"done_reason":"stop",${END}}`,
      ],
    },
    {
      name: "thoughts stand beside an empty text",
      kind: "chat",
      events: [reasoning("hm"), text("a"), { kind: "finish", reason: "length" }, usage],
      want: [
        `${HEAD},${message(`"content":"","thinking":"hm"`)},"done":false}`,
        `${HEAD},${message(`"content":"a"`)},"done":false}`,
        `${HEAD},${message(`"content":""`)},"done":true,"done_reason":"length",${END}}`,
      ],
    },
    {
      name: "calls are told whole, before the last line",
      kind: "chat",
      events: [...call, usage, { kind: "finish", reason: "tool_calls" }],
      want: [
        `${HEAD},${message(`"content":"",${CALL}`)},"done":false}`,
        `${HEAD},${message(`"content":""`)},"done":true,"done_reason":"stop",${END}}`,
      ],
    },
    {
      name: "logarithms stand in the line of their text, and may stand alone",
      kind: "chat",
      events: [text("a"), logprobs, logprobs, usage, stop],
      want: [
        `${HEAD},${message(`"content":"a"`)},"done":false,${LOGPROBS}}`,
        `${HEAD},${message(`"content":"a"`)},"done":false,${LOGPROBS}}`,
        `${HEAD},${message(`"content":""`)},"done":true,"done_reason":"stop",${END}}`,
      ].with(1, `${HEAD},${message(`"content":""`)},"done":false,${LOGPROBS}}`),
    },
    {
      name: "a text has a form of its own",
      kind: "generate",
      events: [reasoning("hm"), text("a"), logprobs, ...call, usage, stop],
      want: [
        `${HEAD},"response":"","thinking":"hm","done":false}`,
        `${HEAD},"response":"a","done":false,${LOGPROBS}}`,
        `${HEAD},"response":"","done":false,${CALL}}`,
        `${HEAD},"response":"","done":true,"done_reason":"stop","context":[1,2],${END}}`,
      ],
    },
  ] as const
) {
  Deno.test(`an answer as Ollama streams it: ${name}`, () => {
    const answer = new OllamaAnswer({ kind, model: "m", topLogprobs: 1 }, times);
    const context = kind === "generate" ? [1, 2] : undefined;
    const lines = answer.lines(events) + answer.end(context);
    equal(lines, want.map((line) => `${line}\n`).join(""));
  });
}

for (
  const { kind, want } of [
    {
      kind: "chat",
      want: `${HEAD},${message(`"content":"ab","thinking":"hm",${CALL}`)},"done":true,"done_reason":"stop",` +
        `${LOGPROBS},${END}}`,
    },
    {
      kind: "generate",
      want: `${HEAD},"response":"ab","thinking":"hm","done":true,"done_reason":"stop","context":[7],${END},` +
        `${CALL},${LOGPROBS}}`,
    },
  ] as const
) {
  Deno.test(`a whole answer of a ${kind} is one object`, () => {
    const events = [reasoning("hm"), text("a"), text("b"), logprobs, ...call, usage, stop];
    const form = { kind, model: "m", topLogprobs: 1 };
    equal(OllamaAnswer.whole(events, form, times, kind === "generate" ? [7] : undefined), want);
  });
}

Deno.test("logarithms are told only where they were asked for, alternatives too", () => {
  const said = (topLogprobs: number | undefined) =>
    new OllamaAnswer({ kind: "chat", model: "m", topLogprobs }, times).lines([text("a"), logprobs]);
  equal(said(undefined).includes("logprobs"), false);
  equal(said(0).includes(`"logprobs":[{"token":"a","logprob":-1,"bytes":[97]}]`), true);
});

Deno.test("an error is the last line, and nothing behind it looks like success", () => {
  const answer = new OllamaAnswer({ kind: "chat", model: "m" }, times);
  const lines = answer.lines([text("a"), { kind: "error", message: `no "room"` }]);
  equal(lines.endsWith(`\n{"error":"no \\"room\\""}\n`), true);
  equal(answer.end(), "");
});

Deno.test("an answer that did not say why it ended has not ended", () => {
  const form = { kind: "chat", model: "m" } as const;
  throws(() => new OllamaAnswer(form, times).end(), { name: "SyntaxError", message: /why the answer ended/ });
  throws(() => OllamaAnswer.whole([text("a")], form, times), SyntaxError);
  throws(() => OllamaAnswer.whole([{ kind: "error", message: "bad" }], form, times), /^SyntaxError: bad$/);
});

Deno.test("a name with quotes is a name", () => {
  const line = new OllamaAnswer({ kind: "chat", model: `a"\n` }, times).lines([text("a")]);
  equal(JSON.parse(line).model, `a"\n`);
});
