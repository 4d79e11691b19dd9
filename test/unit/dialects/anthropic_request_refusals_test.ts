import { equal, ok, throws } from "node:assert/strict";
import { decodeMessages } from "../../../lib/dialects/anthropic_request.ts";
import { GatewayError } from "../../../lib/errors.ts";

const encode = (value: unknown) =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

const ASKED = { model: "m", max_tokens: 10, messages: [{ role: "user", content: "hi" }] };
const TOOL = { name: "f", description: "does it", input_schema: { type: "object" } };

function decode(told: Record<string, unknown> = {}) {
  return decodeMessages(encode({ ...ASKED, ...told }));
}

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

for (
  const { said, message } of [
    { said: 5, message: `"messages[0].content" must be text or a list of blocks, not a number` },
    {
      said: { type: "text" },
      message: `"messages[0].content" must be text or a list of blocks, not an object`,
    },
    { said: undefined, message: `"messages[0].content" is missing; it must be text or a list of blocks` },
  ]
) {
  Deno.test(`says what a message's content is to be instead of ${JSON.stringify(said)}`, () => {
    throws(() => decode({ messages: [{ role: "user", content: said }] }), { message });
  });
}
