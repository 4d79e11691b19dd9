import { deepEqual, equal, throws } from "node:assert/strict";
import { OllamaChatEvents, ollamaChatEvents } from "../../../lib/dialects/ollama_chat_events.ts";
import { recordedOllamaChat } from "../../fixtures/recorded_chat.ts";

const encode = (value: unknown) =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

const CALL = [
  { kind: "tool_call", index: 0, id: "call_07fo033r", name: "get_weather" },
  { kind: "arguments", index: 0, json: '{"city":"Paris"}' },
];

Deno.test("a recorded stream with thoughts is read", () => {
  const events = new OllamaChatEvents().push(recordedOllamaChat("thinking.ndjson"));
  deepEqual(events.slice(0, 2), [{ kind: "reasoning", text: "hmm" }, { kind: "text", text: "that" }]);
  equal(events.map((event) => event.kind === "text" ? event.text : "").join(""), "that will she word on");
  deepEqual(events.slice(-2), [
    {
      kind: "usage",
      usage: { promptTokens: 23, completionTokens: 8, promptMs: 3.798, completionMs: 4.276 },
    },
    { kind: "finish", reason: "length" },
  ]);
});

Deno.test("a recorded call of a tool is read, in a stream and as a whole", () => {
  for (
    const events of [
      new OllamaChatEvents().push(recordedOllamaChat("tool_calls.ndjson")),
      ollamaChatEvents(recordedOllamaChat("tool_calls.json")),
    ]
  ) {
    const [call, , usage] = events;
    deepEqual(events.slice(0, 2), [{ ...CALL[0], id: (call as { id: string }).id }, CALL[1]]);
    equal(usage!.kind, "usage");
    deepEqual(events.at(-1), { kind: "finish", reason: "stop" });
  }
});

Deno.test("a recorded answer as a whole has its thoughts before its text", () => {
  deepEqual(ollamaChatEvents(recordedOllamaChat("thinking.json")).slice(0, 2), [
    { kind: "reasoning", text: "hmm" },
    { kind: "text", text: "that will she such well" },
  ]);
});

for (const name of ["thinking", "tool_calls", "error"]) {
  Deno.test(`the recorded stream "${name}" says the same wherever it is cut`, () => {
    const bytes = recordedOllamaChat(`${name}.ndjson`);
    const whole = new OllamaChatEvents().push(bytes);
    for (let at = 0; at <= bytes.byteLength; at++) {
      const reader = new OllamaChatEvents();
      deepEqual([...reader.push(bytes.subarray(0, at)), ...reader.push(bytes.subarray(at))], whole);
    }
    const reader = new OllamaChatEvents();
    deepEqual([...bytes].flatMap((byte) => reader.push(Uint8Array.of(byte))), whole);
  });
}

Deno.test("characters of several bytes survive a cut", () => {
  const bytes = encode('{"message":{"content":"añ😀"}}\n');
  const reader = new OllamaChatEvents();
  deepEqual([...bytes].flatMap((byte) => reader.push(Uint8Array.of(byte))), [{ kind: "text", text: "añ😀" }]);
});

Deno.test("calls are counted over all lines of an answer; what is not said is made up", () => {
  const call = { function: { name: "f" } };
  const line = (...calls: unknown[]) => encode(`${JSON.stringify({ message: { tool_calls: calls } })}\n`);
  const reader = new OllamaChatEvents();
  const events = [...reader.push(line(call, call)), ...reader.push(line(call))];
  deepEqual(events.filter(({ kind }) => kind === "tool_call"), [
    { kind: "tool_call", index: 0, id: undefined, name: "f" },
    { kind: "tool_call", index: 1, id: undefined, name: "f" },
    { kind: "tool_call", index: 2, id: undefined, name: "f" },
  ]);
  deepEqual(events[1], { kind: "arguments", index: 0, json: "{}" });
});

for (
  const { name, said, message } of [
    { name: "its words", said: { error: "model crashed" }, message: "model crashed" },
    {
      name: "the words of its llama-server",
      said: { error: '{"error":{"code":500,"message":"Compute error."}}' },
      message: "Compute error.",
    },
    { name: "no words", said: { error: {} }, message: "it does not say why" },
  ]
) {
  Deno.test(`an error of Ollama's is told by ${name}`, () => {
    deepEqual(ollamaChatEvents(encode(said)), [{ kind: "error", message }]);
  });
}

Deno.test("what Ollama leaves out is not known", () => {
  deepEqual(ollamaChatEvents(encode({ done: true, done_reason: "stop" })), [
    {
      kind: "usage",
      usage: {
        promptTokens: undefined,
        completionTokens: undefined,
        promptMs: undefined,
        completionMs: undefined,
      },
    },
    { kind: "finish", reason: "stop" },
  ]);
  deepEqual(ollamaChatEvents(encode({ message: { role: "assistant", content: null }, done: false })), []);
});

for (
  const [name, said] of [
    ["no JSON", "x"],
    ["a list", []],
    ["null", "null"],
    ["a message that is text", { message: "x" }],
    ["content that is a number", { message: { content: 5 } }],
    ["thoughts that are a list", { message: { thinking: [] } }],
    ["calls that are no list", { message: { tool_calls: {} } }],
    ["a call that is none", { message: { tool_calls: [null] } }],
    ["a call of nothing", { message: { tool_calls: [{}] } }],
    ["arguments that are text", { message: { tool_calls: [{ function: { name: "f", arguments: "{}" } }] } }],
  ] as const
) {
  Deno.test(`an answer is not understood that is ${name}`, () => {
    throws(() => ollamaChatEvents(encode(said)), SyntaxError);
    throws(
      () =>
        new OllamaChatEvents().push(encode(`${typeof said === "string" ? said : JSON.stringify(said)}\n`)),
      SyntaxError,
    );
  });
}

Deno.test("a line without end is given up", () => {
  const reader = new OllamaChatEvents();
  const piece = new Uint8Array(1024 * 1024).fill(0x20);
  throws(() => {
    for (let count = 0; count < 20; count++) reader.push(piece);
  }, RangeError);
});
