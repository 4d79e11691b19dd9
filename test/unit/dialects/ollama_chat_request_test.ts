import { deepEqual, equal, throws } from "node:assert/strict";
import { decodeOllamaChat } from "../../../lib/dialects/ollama_chat_request.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (said: unknown) => decodeOllamaChat(encode(JSON.stringify(said)));
const user = { role: "user", content: "hi" };

Deno.test("a chat is read", () => {
  const { turns, ...request } = decode({
    model: "m",
    stream: false,
    keep_alive: "5m",
    truncate: false,
    messages: [{ role: "System", content: "Be brief." }, { ...user, images: ["iVBORw0KGgo"] }],
    tools: [{ type: "function", function: { name: "f", description: "d", parameters: { type: "object" } } }],
    format: "json",
    think: "low",
    options: { seed: 1 },
    logprobs: true,
  });
  equal(turns.length, 2);
  deepEqual(request, {
    model: "m",
    stream: false,
    keepAliveMs: 300_000,
    isLoad: false,
    isUnload: false,
    truncate: false,
    chat: {
      messages: [
        message({ role: "system", content: "Be brief." }),
        message({ content: "hi", media: [{ type: "image/png", base64: "iVBORw0KGgo=" }] }),
      ],
      tools: [{ name: "f", description: "d", parameters: { type: "object" } }],
      toolChoice: "auto",
      format: "json",
      thinking: "low",
      options: { seed: 1 },
      topLogprobs: 0,
      stream: false,
    },
  });
});

Deno.test("an agent's turn is read: thoughts, calls and results", () => {
  const { chat } = decode({
    messages: [
      user,
      { role: "assistant", thinking: "hm", tool_calls: [{ function: { index: 0, name: "f" } }] },
      { role: "tool", content: "7", tool_name: "f" },
    ],
  });
  deepEqual(chat.messages.slice(1), [
    message({
      role: "assistant",
      reasoning: "hm",
      toolCalls: [{ id: "call_1", name: "f", argumentsJson: "{}" }],
    }),
    message({ role: "tool", content: "7", toolCallId: "call_1", toolName: "f" }),
  ]);
});

for (
  const { name, json, want } of [
    {
      name: "keys that look like numbers stay in their order",
      json: `{"2":1,"1":"x"}`,
      want: `{"2":1,"1":"x"}`,
    },
    {
      name: "numbers stay as they are",
      json: `{"n":12345678901234567890.10}`,
      want: `{"n":12345678901234567890.10}`,
    },
    { name: "text stays as it is", json: `{"é":"\\u00e9}]\\""}`, want: `{"é":"\\u00e9}]\\""}` },
    { name: "null is no argument", json: `null`, want: `{}` },
    { name: "the last one counts", json: `{"a":1},"arguments":{"a":2}`, want: `{"a":2}` },
  ]
) {
  Deno.test(`arguments of a call: ${name}`, () => {
    const call = (args: string) => `{"id":"a","function":{"name":"f","arguments":${args}}}`;
    const calls = `[${call("{}")}, ${call(json)} ]`;
    const body = `{"messages":[{"role":"user"} , {"tool_calls":${calls},"role":"assistant"}]}`;
    const { chat } = decodeOllamaChat(encode(body));
    deepEqual(chat.messages[1]!.toolCalls.map(({ argumentsJson }) => argumentsJson), ["{}", want]);
  });
}

for (
  const { name, said, isLoad, isUnload } of [
    { name: "no messages", said: {}, isLoad: true, isUnload: false },
    { name: "messages that are null", said: { messages: null }, isLoad: true, isUnload: false },
    { name: "an empty list", said: { messages: [], keep_alive: "5m" }, isLoad: true, isUnload: false },
    { name: "no messages and no time", said: { keep_alive: 0 }, isLoad: false, isUnload: true },
    {
      name: "a message and no time",
      said: { messages: [user], keep_alive: 0 },
      isLoad: false,
      isUnload: false,
    },
  ]
) {
  Deno.test(`${name}: the model is ${isLoad ? "loaded" : isUnload ? "unloaded" : "asked"}, no more`, () => {
    const request = decode({ model: "m", ...said });
    deepEqual([request.isLoad, request.isUnload], [isLoad, isUnload]);
    equal(request.stream, !isLoad && !isUnload);
    equal(request.chat.stream, request.stream);
  });
}

const CALL = { function: { name: "f", arguments: {} } };
for (
  const { name, said, field, message } of [
    { name: "messages as text", said: { messages: "x" }, field: "messages", message: /must be a list/ },
    {
      name: "a message as text",
      said: { messages: ["x"] },
      field: "messages[0]",
      message: /must be an object/,
    },
    {
      name: "a message of nobody",
      said: { messages: [{}] },
      field: "messages[0].role",
      message: /is missing/,
    },
    {
      name: "content in parts",
      said: { messages: [{ role: "user", content: [{ type: "text" }] }] },
      field: "messages[0].content",
      message: /must be text, not a list/,
    },
    {
      name: "a picture that is none",
      said: { messages: [user, { ...user, images: ["iVBORw0KGgo=", "!!"] }] },
      field: "messages[1].images[1]",
      message: /illegal base64/,
    },
    {
      name: "a picture of no bytes",
      said: { messages: [{ ...user, images: [""] }] },
      field: "messages[0].images[0]",
      message: /is empty/,
    },
    {
      name: "arguments as text",
      said: { messages: [{ role: "assistant", tool_calls: [{ function: { name: "f", arguments: "{}" } }] }] },
      field: "messages[0].tool_calls[0].function.arguments",
      message: /must be an object, not text/,
    },
    {
      name: "a call of nothing",
      said: { messages: [{ role: "assistant", tool_calls: [CALL, {}] }] },
      field: "messages[0].tool_calls[1].function",
      message: /is missing/,
    },
    { name: "tools as an object", said: { messages: [user], tools: {} }, field: "tools", message: /a list/ },
    {
      name: "a tool without a name",
      said: { messages: [user], tools: [{ function: {} }] },
      field: "tools[0].function.name",
      message: /is missing/,
    },
    {
      name: "a schema that is text",
      said: { messages: [user], tools: [{ function: { name: "f", parameters: "x" } }] },
      field: "tools[0].function.parameters",
      message: /must be an object/,
    },
    {
      name: "an option of a wrong type",
      said: { options: { seed: "x" } },
      field: "options.seed",
      message: /integer/,
    },
  ]
) {
  Deno.test(`a chat is refused for ${name}`, () => {
    throws(() => decode({ model: "m", ...said }), { code: "invalid_request", field, message });
  });
}

Deno.test("5,000 messages with calls are read", () => {
  const messages = Array.from({ length: 2_500 }, () => [{ role: "assistant", tool_calls: [CALL] }, {
    role: "tool",
    content: "7",
  }]).flat();
  const { chat } = decode({ messages });
  equal(chat.messages.at(-1)!.toolCallId, "call_2500");
});

function message(told: Record<string, unknown>): Record<string, unknown> {
  return {
    role: "user",
    content: "",
    reasoning: undefined,
    media: [],
    toolCalls: [],
    toolCallId: undefined,
    toolName: undefined,
    ...told,
  };
}
