import { deepEqual, equal, notDeepEqual, ok, throws } from "node:assert/strict";
import { decodeCountTokens, decodeMessages } from "../../../lib/dialects/anthropic_request.ts";
import { GatewayError } from "../../../lib/errors.ts";

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

const blocks = (...content: unknown[]) => ({ messages: [{ role: "user", content }] });

for (
  const { name, said, field } of [
    { name: "no messages", said: { messages: undefined }, field: "messages" },
    { name: "an empty list of messages", said: { messages: [] }, field: "messages" },
    { name: "messages that are text", said: { messages: "x" }, field: "messages" },
    { name: "a message that is none", said: { messages: [null] }, field: "messages[0]" },
    {
      name: "an unknown role",
      said: { messages: [{ role: "tool", content: "x" }] },
      field: "messages[0].role",
    },
    { name: "a message of nothing", said: { messages: [{ role: "user" }] }, field: "messages[0].content" },
    {
      name: "a number for text",
      said: { messages: [{ role: "user", content: 5 }] },
      field: "messages[0].content",
    },
    { name: "a block that is none", said: blocks("x"), field: "messages[0].content[0]" },
    { name: "a block of no kind", said: blocks({ text: "x" }), field: "messages[0].content[0].type" },
    {
      name: "a text block without text",
      said: blocks({ type: "text", text: 5 }),
      field: "messages[0].content[0].text",
    },
    { name: "a document", said: blocks({ type: "document" }), field: "messages[0].content[0].type" },
    {
      name: "an address of a picture",
      said: blocks({ type: "image", source: { type: "url", url: "http://127.0.0.1/" } }),
      field: "messages[0].content[0].source.type",
    },
    {
      name: "base64 that is none",
      said: blocks({ type: "image", source: { type: "base64", data: "data:image/png;base64,AAAA" } }),
      field: "messages[0].content[0].source.data",
    },
    {
      name: "base64 without its padding",
      said: blocks({ type: "image", source: { type: "base64", data: "AAA" } }),
      field: "messages[0].content[0].source.data",
    },
    {
      name: "a picture of 0 bytes",
      said: blocks({ type: "image", source: { type: "base64", data: "" } }),
      field: "messages[0].content[0].source.data",
    },
    {
      name: "an address of a picture in a result",
      said: blocks({
        type: "tool_result",
        tool_use_id: "t",
        content: [{ type: "image", source: { type: "url", url: "http://127.0.0.1/" } }],
      }),
      field: "messages[0].content[0].content[0].source.type",
    },
    {
      name: "a result of no call",
      said: blocks({ type: "tool_result", content: "x" }),
      field: "messages[0].content[0].tool_use_id",
    },
    {
      name: "arguments that are text",
      said: blocks({ type: "tool_use", id: "t", name: "f", input: "{}" }),
      field: "messages[0].content[0].input",
    },
    { name: "a stream that is text", said: { stream: "yes" }, field: "stream" },
    { name: "a model that is a number", said: { model: 5 }, field: "model" },
    { name: "a limit of 0", said: { max_tokens: 0 }, field: "max_tokens" },
    { name: "a limit of half a token", said: { max_tokens: 0.5 }, field: "max_tokens" },
    { name: "a limit that no number holds", said: { max_tokens: 1e300 }, field: "max_tokens" },
    { name: "a temperature by text", said: { temperature: "NaN" }, field: "temperature" },
    { name: "a system message that is an object", said: { system: {} }, field: "system" },
    {
      name: "a picture in the system message",
      said: { system: [{ type: "image" }] },
      field: "system[0].type",
    },
    {
      name: "a stop sequence that is a number",
      said: { stop_sequences: ["a", 1] },
      field: "stop_sequences[1]",
    },
    { name: "a tool without a schema", said: { tools: [{ name: "f" }] }, field: "tools[0].input_schema" },
    {
      name: "a tool of Anthropic's own",
      said: { tools: [{ type: "web_search_20250305", name: "web_search" }] },
      field: "tools[0].type",
    },
    { name: "an unknown choice", said: { tool_choice: { type: "all" } }, field: "tool_choice.type" },
    {
      name: "the choice of a tool that is not there",
      said: { tools: [TOOL], tool_choice: { type: "tool", name: "g" } },
      field: "tool_choice.name",
    },
    { name: "unknown thinking", said: { thinking: { type: "hard" } }, field: "thinking.type" },
    { name: "an unknown effort", said: { output_config: { effort: "huge" } }, field: "output_config.effort" },
    {
      name: "a format without a schema",
      said: { output_config: { format: { type: "json_schema" } } },
      field: "output_config.format.schema",
    },
    { name: "an unknown keep_alive", said: { keep_alive: "soon" }, field: "keep_alive" },
  ]
) {
  Deno.test(`refuses ${name}, and names the field`, () => {
    throws(() => decode(said), (error: unknown) => {
      ok(error instanceof GatewayError);
      equal(error.code, "invalid_request");
      equal(error.field, field, error.message);
      ok(error.message.includes(field), error.message);
      return true;
    });
  });
}

for (
  const { name, body } of [
    { name: "nothing", body: "" },
    { name: "no JSON", body: "{" },
    { name: "a list", body: "[]" },
    { name: "null", body: "null" },
    {
      name: "a number too large for JSON",
      body: '{"messages":[{"role":"user","content":"x"}],"max_tokens":1e999}',
    },
    { name: "NaN", body: '{"max_tokens":NaN}' },
    {
      name: "a schema nested without end",
      body: `{"messages":[{"role":"user","content":"x"}],"tools":[{"name":"f","input_schema":${
        '{"a":'.repeat(100_000)
      }1${"}".repeat(100_000)}}]}`,
    },
  ]
) {
  Deno.test(`refuses ${name} as a body`, () => {
    throws(() => decodeMessages(encode(body)), (error: unknown) => {
      return error instanceof GatewayError && error.code === "invalid_request";
    });
  });
}

Deno.test("refuses a body that is not UTF-8", () => {
  throws(() => decodeMessages(Uint8Array.of(0x7b, 0xff, 0x7d)), { code: "invalid_request" });
});

Deno.test("says what is to be done about documents, addresses and tools of Anthropic's own", () => {
  throws(() => decode(blocks({ type: "document" })), /send its text/);
  throws(() => decode(blocks({ type: "image", source: { type: "url" } })), /fetch it yourself/);
  throws(() => decode({ tools: [{ type: "web_search_20250305", name: "x" }] }), /leave it out/);
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
