import { deepEqual, equal, match, throws } from "node:assert/strict";
import { AnthropicAnswerStream } from "../../../lib/dialects/anthropic_answer.ts";
import { anthropicMessage } from "../../../lib/dialects/anthropic_message.ts";
import type { ChatEvent } from "../../../lib/dialects/chat.ts";
import { OllamaChatEvents } from "../../../lib/dialects/ollama_chat_events.ts";
import { SseReader } from "../../../lib/stream/sse_reader.ts";
import { recordedOllamaChat } from "../../fixtures/recorded_chat.ts";

const HEAD = { requestId: "0a-1b", model: "m", promptTokens: 7 };

interface Told {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** What a client reads; its `event:` lines say the same as its data. */
function eventsIn(bytes: Uint8Array): Told[] {
  return new SseReader().push(bytes).map(({ type, data }) => {
    const said: Told = JSON.parse(data);
    equal(said.type, type);
    return said;
  });
}

function told(events: readonly ChatEvent[]): Told[] {
  const stream = new AnthropicAnswerStream(HEAD);
  return [...eventsIn(stream.push(events)), ...eventsIn(stream.end())];
}

const start = (inputTokens: number) => ({
  type: "message_start",
  message: {
    id: "msg_0a1b",
    type: "message",
    role: "assistant",
    model: "m",
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: usage(inputTokens, 0),
  },
});
const usage = (inputTokens: number, outputTokens: number, cachedTokens = 0) => ({
  input_tokens: inputTokens,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: cachedTokens,
  output_tokens: outputTokens,
});
const end = (reason: string, used: unknown) => [
  { type: "message_delta", delta: { stop_reason: reason, stop_sequence: null }, usage: used },
  { type: "message_stop" },
];
const opens = (index: number, block: unknown) => ({
  type: "content_block_start",
  index,
  content_block: block,
});
const delta = (index: number, said: unknown) => ({ type: "content_block_delta", index, delta: said });
const stops = (index: number) => ({ type: "content_block_stop", index });

const USAGE: ChatEvent = { kind: "usage", usage: { promptTokens: 9, completionTokens: 3 } };
const STOP: ChatEvent = { kind: "finish", reason: "stop" };

Deno.test("text is one block, between the beginning of a message and its end", () => {
  const events: ChatEvent[] = [{ kind: "text", text: "a" }, { kind: "text", text: "b" }, STOP, USAGE];
  deepEqual(told(events), [
    start(7),
    opens(0, { type: "text", text: "" }),
    delta(0, { type: "text_delta", text: "a" }),
    delta(0, { type: "text_delta", text: "b" }),
    stops(0),
    ...end("end_turn", usage(9, 3)),
  ]);
});

Deno.test("thoughts, text and calls are blocks one behind the other", () => {
  const events: ChatEvent[] = [
    { kind: "reasoning", text: "hm" },
    { kind: "text", text: "a" },
    { kind: "tool_call", index: 0, id: "t", name: "f" },
    { kind: "arguments", index: 0, json: '{"a"' },
    { kind: "arguments", index: 0, json: ":1}" },
    { kind: "tool_call", index: 1, id: undefined, name: "g" },
    { kind: "usage", usage: { promptTokens: 9, cachedTokens: 4, completionTokens: 3 } },
    { kind: "finish", reason: "tool_calls" },
  ];
  deepEqual(told(events), [
    start(7),
    opens(0, { type: "thinking", thinking: "", signature: "" }),
    delta(0, { type: "thinking_delta", thinking: "hm" }),
    delta(0, { type: "signature_delta", signature: "" }),
    stops(0),
    opens(1, { type: "text", text: "" }),
    delta(1, { type: "text_delta", text: "a" }),
    stops(1),
    opens(2, { type: "tool_use", id: "t", name: "f", input: {} }),
    delta(2, { type: "input_json_delta", partial_json: '{"a"' }),
    delta(2, { type: "input_json_delta", partial_json: ":1}" }),
    stops(2),
    opens(3, { type: "tool_use", id: "toolu_0a1b_1", name: "g", input: {} }),
    stops(3),
    ...end("tool_use", usage(5, 3, 4)),
  ]);
});

for (
  const { reason, calls, want } of [
    { reason: "stop", calls: false, want: "end_turn" },
    { reason: "stop", calls: true, want: "tool_use" },
    { reason: "tool_calls", calls: true, want: "tool_use" },
    { reason: "length", calls: false, want: "max_tokens" },
    { reason: "length", calls: true, want: "max_tokens" },
  ] as const
) {
  Deno.test(`an answer that ended by "${reason}" ${calls ? "with" : "without"} calls is told as ${want}`, () => {
    const call: ChatEvent = { kind: "tool_call", index: 0, id: "t", name: "f" };
    const events: ChatEvent[] = [...(calls ? [call] : []), { kind: "finish", reason }];
    const messageDelta = told(events).at(-2)!;
    deepEqual(messageDelta["delta"], { stop_reason: want, stop_sequence: null });
    equal(anthropicMessage(HEAD, events)["stop_reason"], want);
  });
}

Deno.test("an answer of nothing begins and ends; what nobody told of the prompt stays an estimate", () => {
  deepEqual(told([STOP]), [start(7), ...end("end_turn", usage(7, 0))]);
  deepEqual(anthropicMessage(HEAD, [STOP])["content"], []);
});

Deno.test("after an error nothing is told, and nothing that means success", () => {
  const stream = new AnthropicAnswerStream(HEAD);
  const events = eventsIn(
    stream.push([{ kind: "text", text: "a" }, { kind: "error", message: "it crashed" }, STOP]),
  );
  deepEqual(events.at(-1), {
    type: "error",
    error: {
      type: "api_error",
      message: "The upstream failed: it crashed; ask again",
      details: { error_code: "upstream_failed" },
    },
    request_id: "0a-1b",
  });
  equal(stream.push([{ kind: "text", text: "b" }]).byteLength, 0);
  equal(stream.end().byteLength, 0);
});

Deno.test("an error before all else is the only thing that is told", () => {
  deepEqual(told([{ kind: "error", message: "no" }]).map(({ type }) => type), ["error"]);
});

Deno.test("an upstream that ends without a reason has failed", () => {
  const events = told([{ kind: "text", text: "a" }]);
  deepEqual(events.map(({ type }) => type), [
    "message_start",
    "content_block_start",
    "content_block_delta",
    "error",
  ]);
  throws(() => anthropicMessage(HEAD, [{ kind: "text", text: "a" }]), { code: "upstream_failed" });
});

for (
  const [name, events] of [
    ["before their call", [{ kind: "arguments", index: 0, json: "{}" }]],
    ["of another call", [{ kind: "tool_call", index: 0, id: "t", name: "f" }, {
      kind: "arguments",
      index: 1,
      json: "{}",
    }]],
    ["behind a text", [{ kind: "tool_call", index: 0, id: "t", name: "f" }, { kind: "text", text: "a" }, {
      kind: "arguments",
      index: 0,
      json: "{}",
    }]],
  ] as const satisfies readonly (readonly [string, readonly ChatEvent[]])[]
) {
  Deno.test(`arguments ${name} cannot be told`, () => throws(() => told(events), SyntaxError));
}

Deno.test("a whole message holds the same as its stream", () => {
  for (const name of ["thinking", "tool_calls"]) {
    const events = new OllamaChatEvents().push(recordedOllamaChat(`${name}.ndjson`));
    deepEqual(anthropicMessage(HEAD, events), gathered(told(events)));
  }
});

Deno.test("a failure in a whole answer is the client's to know", () => {
  const events: ChatEvent[] = [{ kind: "error", message: "it crashed" }, STOP];
  throws(() => anthropicMessage(HEAD, events), { code: "upstream_failed", message: /it crashed/ });
});

Deno.test("arguments that are no JSON are not understood", () => {
  const call: ChatEvent = { kind: "tool_call", index: 0, id: "t", name: "f" };
  throws(() => anthropicMessage(HEAD, [call, { kind: "arguments", index: 0, json: "{" }, STOP]), SyntaxError);
  match(String(anthropicMessage(HEAD, [call, STOP])["stop_reason"]), /tool_use/);
});

/** What a client makes of the events, as Anthropic's SDK does. */
function gathered(events: readonly Told[]): Record<string, unknown> {
  const message: Record<string, unknown> = {};
  const content: Record<string, unknown>[] = [];
  const json: string[] = [];
  for (const event of events) {
    const index = event["index"] as number;
    const said = event["delta"] as Record<string, string> | undefined;
    if (event.type === "message_start") Object.assign(message, event["message"]);
    if (event.type === "content_block_start") content.push({ ...event["content_block"] as object });
    if (event.type === "message_delta") Object.assign(message, said, { usage: event["usage"] });
    if (event.type === "content_block_stop" && json[index]) {
      content[index]!["input"] = JSON.parse(json[index]!);
    }
    if (said?.["type"] === "input_json_delta") json[index] = (json[index] ?? "") + said["partial_json"];
    for (const key of ["text", "thinking"]) {
      if (event.type === "content_block_delta" && said?.[key]) content[index]![key] += said[key];
    }
  }
  return { ...message, content };
}
