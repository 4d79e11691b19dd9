import { deepEqual, equal, notDeepEqual } from "node:assert/strict";
import { decodeCountTokens, decodeMessages } from "../../../lib/dialects/anthropic_request.ts";

const encode = (value: unknown) =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

const PNG = "iVBORw0KGgo=";
const WEBP = btoa("RIFF\0\0\0\0WEBPVP8 ");
const ASKED = { model: "m", max_tokens: 10, messages: [{ role: "user", content: "hi" }] };
const TOOL = {
  name: "f",
  description: "does it",
  input_schema: { type: "object", properties: { a: { type: "string" } } },
};

function decode(told: Record<string, unknown> = {}) {
  return decodeMessages(encode({ ...ASKED, ...told }));
}

function messagesOf(messages: unknown) {
  return decode({ messages }).request.messages;
}

Deno.test("a request of the least words is read", () => {
  const { model, stream, keepAliveMs, turns, request } = decode();
  deepEqual({ model, stream, keepAliveMs, turnCount: turns.length }, {
    model: "m",
    stream: false,
    keepAliveMs: undefined,
    turnCount: 1,
  });
  deepEqual(request, {
    messages: [{ role: "user", content: "hi", media: [], toolCalls: [] }],
    tools: [],
    toolChoice: "auto",
    format: undefined,
    thinking: undefined,
    options: { num_predict: 10 },
    stream: false,
  });
});

Deno.test("sampling, length and stop sequences become options; an empty stop sequence would stop all", () => {
  const { options } = decode({ temperature: 0, top_p: 0.5, top_k: 3, stop_sequences: ["a", ""] }).request;
  deepEqual(options, { num_predict: 10, temperature: 0, top_p: 0.5, top_k: 3, stop: ["a"] });
  const { max_tokens: _, ...unlimited } = ASKED;
  deepEqual(decodeMessages(encode({ ...unlimited, stop_sequences: [] })).request.options, {
    num_predict: 4_096,
  });
});

Deno.test("what means nothing here is not looked at", () => {
  const { request } = decode({
    metadata: { user_id: 5 },
    service_tier: "auto",
    container: 3,
    betas: "x",
    messages: [{
      role: "user",
      content: [{ type: "text", text: "hi", cache_control: { type: "ephemeral" }, citations: [] }],
    }],
  });
  deepEqual(request, decode().request);
});

Deno.test("a system message comes first, as text or as blocks, without what Claude Code tells Anthropic's books", () => {
  const header = "x-anthropic-billing-header: cc_version=2.1.101.e51; cc_entrypoint=cli; cch=a5145;";
  for (
    const { system, want } of [
      { system: "be kind", want: "be kind" },
      { system: [{ type: "text", text: "be" }, { type: "text", text: "kind" }], want: "be\n\nkind" },
      {
        system: [{ type: "text", text: header }, { type: "text", text: "be kind", cache_control: {} }],
        want: "be kind",
      },
      { system: `${header}be kind`, want: "be kind" },
      { system: "", want: undefined },
      { system: [], want: undefined },
      { system: null, want: undefined },
    ]
  ) {
    const [first] = decode({ system }).request.messages;
    equal(first!.role === "system" ? first!.content : undefined, want);
  }
});

Deno.test("a loop with tools becomes calls and messages of their results", () => {
  deepEqual(
    messagesOf([
      { role: "user", content: "weather?" },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "hm", signature: "s" },
          { type: "redacted_thinking", data: "x" },
          { type: "text", text: "I look" },
          { type: "tool_use", id: "t1", name: "f", input: { b: 1, a: [2] } },
          { type: "tool_use", id: "t2", name: "g", input: {} },
        ],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "t1", content: "sunny" },
          {
            type: "tool_result",
            tool_use_id: "t2",
            is_error: true,
            content: [
              { type: "text", text: "a" },
              { type: "text", text: "b" },
              { type: "image", source: { type: "base64", media_type: "image/png", data: PNG } },
            ],
          },
          { type: "text", text: "so?" },
        ],
      },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "t9" }] },
    ]),
    [
      { role: "user", content: "weather?", media: [], toolCalls: [] },
      {
        role: "assistant",
        content: "I look",
        reasoning: "hm",
        media: [],
        toolCalls: [
          { id: "t1", name: "f", argumentsJson: '{"b":1,"a":[2]}' },
          { id: "t2", name: "g", argumentsJson: "{}" },
        ],
      },
      { role: "tool", content: "sunny", media: [], toolCalls: [], toolCallId: "t1", toolName: "f" },
      {
        role: "tool",
        content: "a\nb",
        media: [{ type: "image/png", base64: PNG }],
        toolCalls: [],
        toolCallId: "t2",
        toolName: "g",
      },
      { role: "user", content: "so?", media: [], toolCalls: [] },
      { role: "tool", content: "", media: [], toolCalls: [], toolCallId: "t9", toolName: undefined },
    ],
  );
});

Deno.test("pictures are what their first bytes say, whatever the client calls them", () => {
  const image = (data: string) => ({
    type: "image",
    source: { type: "base64", media_type: "image/gif", data },
  });
  const [message] = messagesOf([{
    role: "user",
    content: [image(PNG), { type: "text", text: "?" }, image(WEBP)],
  }]);
  deepEqual(message, {
    role: "user",
    content: "?",
    media: [{ type: "image/png", base64: PNG }, { type: "image/webp", base64: WEBP }],
    toolCalls: [],
  });
});

Deno.test("tools, and the choice among them", () => {
  const { tools } =
    decode({ tools: [TOOL, { ...TOOL, name: "g", type: "custom", description: null }] }).request;
  deepEqual(tools, [
    { name: "f", description: "does it", parameters: TOOL.input_schema },
    { name: "g", description: undefined, parameters: TOOL.input_schema },
  ]);
  for (
    const [said, want] of [
      [{ type: "auto", disable_parallel_tool_use: true }, "auto"],
      [{ type: "any" }, "required"],
      [{ type: "none" }, "none"],
      [{ type: "tool", name: "f" }, { name: "f" }],
      [null, "auto"],
    ] as const
  ) {
    deepEqual(decode({ tools: [TOOL], tool_choice: said }).request.toolChoice, want);
  }
});

for (
  const { name, said, want } of [
    { name: "nobody says", said: {}, want: undefined },
    { name: "enabled", said: { thinking: { type: "enabled", budget_tokens: 2_048 } }, want: true },
    { name: "disabled", said: { thinking: { type: "disabled" } }, want: false },
    { name: "adaptive", said: { thinking: { type: "adaptive" } }, want: undefined },
    { name: "an effort", said: { output_config: { effort: "low" } }, want: "low" },
    { name: "an effort above Ollama's", said: { output_config: { effort: "xhigh" } }, want: "high" },
    {
      name: "adaptive, with an effort",
      said: { thinking: { type: "adaptive" }, output_config: { effort: "max" } },
      want: "max",
    },
    {
      name: "disabled, whatever the effort",
      said: { thinking: { type: "disabled" }, output_config: { effort: "max" } },
      want: false,
    },
    {
      name: "nulls",
      said: { thinking: null, output_config: { effort: null, format: null } },
      want: undefined,
    },
  ]
) {
  Deno.test(`how much a model is to think: ${name}`, () => equal(decode(said).request.thinking, want));
}

Deno.test("a format is a schema, which stays as it is", () => {
  const schema = { type: "object", properties: { a: { $ref: "#" } } };
  deepEqual(decode({ output_config: { format: { type: "json_schema", schema } } }).request.format, {
    schema,
  });
});

Deno.test("tokens are counted of a request without their limit, and never as a stream", () => {
  const { stream, request } = decodeCountTokens(
    encode({ messages: ASKED.messages, stream: true, system: "s" }),
  );
  equal(stream, false);
  equal(request.stream, false);
  equal(request.messages.length, 2);
});

Deno.test("the beginnings of a conversation stay the same when marks for caches move and thoughts are forgotten", () => {
  const first = {
    role: "user",
    content: [{ type: "text", text: "hi", cache_control: { type: "ephemeral" } }],
  };
  const call = { type: "tool_use", id: "t", name: "f", input: { a: 1 } };
  const thought = { type: "thinking", thinking: "hm", signature: "" };
  const short = decode({ system: "s", messages: [first] });
  const long = decode({
    system: [{ type: "text", text: "s", cache_control: { type: "ephemeral" } }],
    messages: [{ role: "user", content: "hi" }, { role: "assistant", content: [thought, call] }],
  });
  deepEqual(long.turns.slice(0, 2), short.turns);
  const other = decode({
    system: "s",
    messages: [first, { role: "assistant", content: [{ ...call, input: { a: 2 } }] }],
  });
  notDeepEqual(other.turns, long.turns);
  deepEqual(other.turns.slice(0, 2), short.turns);
});

Deno.test("takes texts of 10 MB, lone surrogates, NUL, 5,000 messages, and the last of equal keys", () => {
  const text = "x".repeat(10_000_000);
  equal(messagesOf([{ role: "user", content: text }])[0]!.content.length, text.length);
  equal(messagesOf([{ role: "user", content: "\ud800\0" }])[0]!.content, "\ud800\0");
  equal(messagesOf(new Array(5_000).fill({ role: "user", content: "x" })).length, 5_000);
  const twice = '{"messages":[],"messages":[{"role":"user","role":"assistant","content":"b"}]}';
  equal(decodeMessages(encode(twice)).request.messages[0]!.role, "assistant");
  const picture = "A".repeat(12_000_000);
  const [message] = messagesOf([{
    role: "user",
    content: [{ type: "image", source: { type: "base64", data: picture } }],
  }]);
  equal(message!.media[0]!.base64.length, picture.length);
});
