import { deepEqual, equal, notDeepEqual, throws } from "node:assert/strict";
import { decodeResponsesEnvelope } from "../../../lib/dialects/responses_request.ts";
import type { GatewayError } from "../../../lib/errors.ts";

const decode = (said: string) => decodeResponsesEnvelope(new TextEncoder().encode(said));

Deno.test("the envelope of a response is read, and everything else is let through", () => {
  const { turns, settings, ...envelope } = decode(
    `{"model":"m","input":"hi","stream":true,"store":true,"previous_response_id":null,"conversation":null,"background":false,"include":["x"],"truncation":"auto"}`,
  );
  deepEqual(envelope, {
    model: "m",
    stream: true,
    keepAliveMs: undefined,
    toolWish: undefined,
    hasInstructions: false,
    maxOutputTokens: undefined,
  });
  deepEqual([turns.length, settings["truncation"], settings["store"]], [1, "auto", false]);
});

for (
  const said of [
    `[{"role":"user","content":"a"},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"b","annotations":[]}]}]`,
    `[{"role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_image","image_url":"data:image/png;base64,AA","detail":"auto"}]}]`,
    `[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":""}]`,
    `[{"type":"function_call","call_id":"1","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"1","output":"5"}]`,
    `[{"type":"function_call_output","call_id":"1","output":[{"type":"input_text","text":"5"}]}]`,
    `[{"role":"user","content":[{"type":"input_image","image_url":null,"file_id":"x"}]}]`,
  ]
) {
  Deno.test(`an input that upstreams take passes: ${said.slice(0, 60)}`, () => {
    equal(decode(`{"input":${said}}`).turns.length, JSON.parse(said).length);
  });
}

Deno.test("conversations that begin alike have turns that begin alike, and the instructions count", () => {
  const [first, second] = [`{"role":"user","content":"a"}`, `{"role":"user","content":"b"}`];
  const turnsOf = (input: string, more = "") => decode(`{"input":[${input}]${more}}`).turns;
  deepEqual(turnsOf(first), turnsOf(`${first},${second}`).slice(0, 1));
  notDeepEqual(turnsOf(first), turnsOf(first, `,"instructions":"x"`));
});

for (
  const { said, has } of [
    { said: `"input":"a"`, has: false },
    { said: `"input":"a","instructions":""`, has: false },
    { said: `"input":"a","instructions":"x"`, has: true },
    { said: `"input":[{"role":"developer","content":"x"}]`, has: true },
    { said: `"input":[{"role":"user","content":"x"},{"role":"system","content":"x"}]`, has: false },
  ]
) {
  Deno.test(`a response with ${said} has ${has ? "" : "no "}instructions`, () => {
    equal(decode(`{${said}}`).hasInstructions, has);
  });
}

for (
  const { said, field, message } of [
    { said: `{}`, field: "input", message: /must be text, or a list of items$/ },
    { said: `{"input":null}`, field: "input", message: /must be text, or a list of items$/ },
    { said: `{"input":5}`, field: "input", message: /must be text, or a list of items$/ },
    { said: `{"input":[]}`, field: "input", message: /at least 1/ },
    { said: `{"input":["a"]}`, field: "input[0]", message: /must be an object, not text$/ },
    { said: `{"input":[{"role":5}]}`, field: "input[0].role", message: /must be text/ },
    {
      said: `{"input":[{"role":"user","content":{}}]}`,
      field: "input[0].content",
      message: /list of parts$/,
    },
    {
      said: `{"input":[{"role":"user","content":[{"text":"a"}]}]}`,
      field: "input[0].content[0].type",
      message: /is missing/,
    },
    {
      said: `{"input":[{"role":"user","content":[{"type":"input_image","image_url":"http://host/x"}]}]}`,
      field: "input[0].content[0].image_url",
      message: /not fetched here/,
    },
    {
      said: `{"input":[{"role":"user","content":[{"type":"input_image","image_url":{"url":"file:///x"}}]}]}`,
      field: "input[0].content[0].image_url.url",
      message: /not fetched here/,
    },
    {
      said:
        `{"input":[{"type":"function_call_output","output":[{"type":"input_image","image_url":"https://h/"}]}]}`,
      field: "input[0].output[0].image_url",
      message: /not fetched here/,
    },
    { said: `{"input":"a","tools":{}}`, field: "tools", message: /must be a list/ },
    { said: `{"input":"a","tools":[{"name":"f"}]}`, field: "tools[0].type", message: /is missing/ },
    {
      said: `{"input":"a","max_output_tokens":"5"}`,
      field: "max_output_tokens",
      message: /must be a number/,
    },
    { said: `{"input":"a","text":{"format":"json"}}`, field: "text.format", message: /must be an object/ },
    { said: `{"input":"a","stream":1}`, field: "stream", message: /must be true or false/ },
    {
      said: `{"input":"a","previous_response_id":"resp_1"}`,
      field: "previous_response_id",
      message: /stored/,
    },
    { said: `{"input":"a","conversation":"conv_1"}`, field: "conversation", message: /stored/ },
    { said: `{"input":"a","conversation":{"id":"conv_1"}}`, field: "conversation", message: /stored/ },
    { said: `{"input":"a","background":true}`, field: "background", message: /\/v1\/batches/ },
    {
      said:
        `{"input":"a","tool_choice":{"type":"function","name":"g"},"tools":[{"type":"function","name":"f"}]}`,
      field: "tool_choice",
      message: /its tools are f$/,
    },
  ]
) {
  Deno.test(`a response is refused with ${said.slice(0, 90)}`, () => {
    throws(() => decode(said), (error: GatewayError) => {
      deepEqual([error.code, error.field], ["invalid_request", field]);
      equal(message.test(error.message), true, error.message);
      return true;
    });
  });
}
