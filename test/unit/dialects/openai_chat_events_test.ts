import { deepEqual, equal, throws } from "node:assert/strict";
import type { ChatEvent } from "../../../lib/dialects/chat.ts";
import { OpenaiChatEvents, openaiChatEvents } from "../../../lib/dialects/openai_chat_events.ts";
import { recordedAnswer } from "../../fixtures/llama_server_streams.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const eventsOf = (name: string) => new OpenaiChatEvents().push(recordedAnswer(`${name}.sse`));
const textOf = (events: readonly ChatEvent[], kind: "text" | "reasoning") =>
  events.map((event) => event.kind === kind ? event.text : "").join("");

Deno.test("a recorded stream: text, then the numbers, then why it ended", () => {
  const events = eventsOf("text");
  equal(textOf(events, "text"), `héllo 👋 "you"\n\\`);
  deepEqual(events.slice(-2).map(({ kind }) => kind), ["usage", "finish"]);
  deepEqual(events.at(-1), { kind: "finish", reason: "stop" });
});

Deno.test("a recorded stream that was too long", () => {
  deepEqual(eventsOf("length").at(-1), { kind: "finish", reason: "length" });
});

Deno.test("a recorded stream with thoughts", () => {
  const events = eventsOf("reasoning");
  equal(textOf(events, "reasoning"), "look here\n");
  equal(textOf(events, "text"), "hello");
});

Deno.test("the numbers of a recorded stream, wherever they stand: what came from the cache is of the prompt", () => {
  for (const name of ["logprobs", "usage"]) {
    const usage = eventsOf(name).find((event) => event.kind === "usage")!.usage;
    deepEqual([usage.promptTokens, usage.cachedTokens, usage.completionTokens], [22, 21, 3]);
    equal(usage.promptMs! > 0 && usage.completionMs! > 0, true);
  }
});

Deno.test("a recorded stream with logarithms: they follow their text", () => {
  const events = eventsOf("logprobs");
  deepEqual(events.slice(0, 2), [{ kind: "text", text: "her" }, {
    kind: "logprobs",
    tokens: [{
      token: " her",
      logprob: -0.9510003328323364,
      bytes: [32, 104, 101, 114],
      alternatives: [
        { token: " her", logprob: -0.9510003328323364, bytes: [32, 104, 101, 114], alternatives: [] },
        { token: " all", logprob: -1.6623355150222778, bytes: [32, 97, 108, 108], alternatives: [] },
      ],
    }],
  }]);
});

Deno.test("a recorded stream with a call", () => {
  const events = eventsOf("tool_call");
  const begun = events.filter((event) => event.kind === "tool_call");
  deepEqual(begun.map(({ index, name }) => [index, name]), [[0, "look"]]);
  const json = events.map((event) => event.kind === "arguments" ? event.json : "").join("");
  deepEqual(Object.keys(JSON.parse(json)), ["place", "n"]);
  deepEqual(events.at(-1), { kind: "finish", reason: "tool_calls" });
});

Deno.test("a recorded stream that failed ends with the error", () => {
  const events = eventsOf("error");
  equal(textOf(events, "text"), "her, live");
  deepEqual(events.at(-1), { kind: "error", message: "Compute error." });
});

Deno.test("a recorded whole answer says the same as a stream", () => {
  const thoughtful = openaiChatEvents(recordedAnswer("reasoning.json"));
  deepEqual(thoughtful.map(({ kind }) => kind), ["reasoning", "text", "logprobs", "usage", "finish"]);
  const call = openaiChatEvents(recordedAnswer("tool_call.json"));
  deepEqual(call.map(({ kind }) => kind), ["tool_call", "arguments", "usage", "finish"]);
});

for (
  const { name, said, want } of [
    {
      name: "a usage without llama.cpp's times",
      said: { usage: { prompt_tokens: 5, completion_tokens: 7 } },
      want: [5, 7],
    },
    {
      name: "numbers that are none",
      said: { usage: { prompt_tokens: "5" }, timings: { prompt_n: -1 } },
      want: [undefined, undefined],
    },
  ]
) {
  Deno.test(`${name}`, () => {
    const [event] = openaiChatEvents(encode(JSON.stringify({ choices: [], ...said })));
    const { usage } = event as Extract<ChatEvent, { kind: "usage" }>;
    deepEqual([usage.promptTokens, usage.completionTokens], want);
  });
}

Deno.test("a time without end is none", () => {
  const [event] = openaiChatEvents(encode(`{"choices":[],"timings":{"predicted_n":3,"predicted_ms":1e999}}`));
  const { usage } = event as Extract<ChatEvent, { kind: "usage" }>;
  deepEqual([usage.completionTokens, usage.completionMs], [3, undefined]);
});

Deno.test("of several answers the first one counts, and what is not told is left out", () => {
  const chunk = (choices: unknown[]) => `data: ${JSON.stringify({ choices, usage: null })}\n\n`;
  const events = new OpenaiChatEvents().push(encode(
    `: ping\n\n${chunk([{ index: 1, delta: { content: "b" } }])}${chunk([])}` +
      `${
        chunk([{
          index: 0,
          delta: { role: "assistant", content: null, tool_calls: null },
          finish_reason: null,
        }])
      }` +
      `${
        chunk([{ index: 1, delta: { content: "b" } }, { index: 0, delta: { content: "a" }, logprobs: null }])
      }` +
      `${chunk([{ index: 0, delta: {}, finish_reason: "content_filter" }])}data: [DONE]\n\n`,
  ));
  deepEqual(events, [{ kind: "text", text: "a" }, { kind: "finish", reason: "stop" }]);
});

for (
  const said of [
    "{",
    "null",
    "5",
    `"x"`,
    "{}",
    `{"choices":{}}`,
    `{"choices":[null]}`,
    `{"choices":[{"delta":{"tool_calls":5}}]}`,
  ]
) {
  Deno.test(`what nobody understands breaks the stream: ${said}`, () => {
    throws(() => new OpenaiChatEvents().push(encode(`data: ${said}\n\n`)), SyntaxError);
  });
}

Deno.test("an error without a sentence is told, too", () => {
  for (const error of ["bad", { message: "bad" }]) {
    deepEqual(openaiChatEvents(encode(JSON.stringify({ error }))), [{ kind: "error", message: "bad" }]);
  }
  deepEqual(openaiChatEvents(encode(`{"error":{}}`)), [{ kind: "error", message: "The upstream failed" }]);
});
