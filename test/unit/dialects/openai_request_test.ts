import { deepEqual, equal, throws } from "node:assert/strict";
import {
  decodeChatEnvelope,
  decodeCompletionEnvelope,
  decodeEmbeddingEnvelope,
} from "../../../lib/dialects/openai_request.ts";
import type { GatewayError } from "../../../lib/errors.ts";

const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("the envelope is read and everything else is let through", () => {
  const body =
    `{"model":"m","stream":true,"messages":[{"role":"user","content":[{"type":"text"}],"x":1}],"unknown":{}}`;
  const { turns, ...envelope } = decodeChatEnvelope(encode(body));
  deepEqual(envelope, { model: "m", stream: true, keepAliveMs: undefined });
  equal(turns.length, 1);
  const { turns: _, ...unnamed } = decodeChatEnvelope(encode(`{"messages":[{"role":"user"}],"model":null}`));
  deepEqual(unnamed, {
    model: undefined,
    stream: false,
    keepAliveMs: undefined,
  });
});

for (const [said, wantMs] of [[`"10m"`, 600_000], ["0", 0], ["-1", Infinity], ["null", undefined]] as const) {
  Deno.test(`keep_alive: ${said} is read as Ollama's clients mean it`, () => {
    const body = encode(`{"keep_alive":${said},"messages":[{"role":"user"}]}`);
    equal(decodeChatEnvelope(body).keepAliveMs, wantMs);
  });
}

const refused: { name: string; body: Uint8Array; message: RegExp; field?: string }[] = [
  { name: "no body", body: encode(""), message: /no body/ },
  { name: "not JSON", body: encode("{"), message: /not valid JSON/ },
  { name: "not UTF-8", body: Uint8Array.of(0x7b, 0xff, 0x7d), message: /not valid UTF-8/ },
  { name: "an array", body: encode("[]"), message: /^The body must be an object, not a list$/ },
  {
    name: "a model that is a number",
    body: encode(`{"model":5,"messages":[{"role":"user"}]}`),
    message: /^"model" must be text, not a number$/,
    field: "model",
  },
  {
    name: "stream as text",
    body: encode(`{"stream":"yes","messages":[{"role":"user"}]}`),
    message: /^"stream" must be true or false, not text$/,
    field: "stream",
  },
  {
    name: "a keep_alive that is no time",
    body: encode(`{"keep_alive":"soon","messages":[{"role":"user"}]}`),
    message: /"keep_alive".*soon/,
    field: "keep_alive",
  },
  {
    name: "a keep_alive of a kind of its own",
    body: encode(`{"keep_alive":[],"messages":[{"role":"user"}]}`),
    message: /^"keep_alive" must be a duration such as "10m", or a number of seconds$/,
    field: "keep_alive",
  },
  {
    name: "no messages",
    body: encode(`{"model":"m"}`),
    message: /^"messages" is missing; it must be a list$/,
    field: "messages",
  },
  {
    name: "empty messages",
    body: encode(`{"messages":[]}`),
    message: /^"messages" must have at least 1 element$/,
    field: "messages",
  },
  {
    name: "a message without role",
    body: encode(`{"messages":[{"role":"user"},{}]}`),
    message: /^"messages\[1\].role" is missing; it must be text$/,
    field: "messages[1].role",
  },
  {
    name: "a message that is text",
    body: encode(`{"messages":["hi"]}`),
    message: /^"messages\[0\]" must be an object, not text$/,
    field: "messages[0]",
  },
];
for (const { name, body, message, field } of refused) {
  Deno.test(`the envelope refuses ${name}`, () => {
    throws(() => decodeChatEnvelope(body), (error: GatewayError) => {
      equal(error.code, "invalid_request");
      equal(error.field, field);
      equal(message.test(error.message), true, error.message);
      return true;
    });
  });
}

for (
  const { said, inputs } of [
    { said: `"one"`, inputs: undefined },
    { said: `["a","b"]`, inputs: ["a", "b"] },
    { said: `[1,2,3]`, inputs: undefined },
    { said: `[[1],[2,3]]`, inputs: [[1], [2, 3]] },
  ]
) {
  Deno.test(`of the input ${said} ${inputs ? "each element is embedded by itself" : "there is one"}`, () => {
    deepEqual(decodeEmbeddingEnvelope(encode(`{"model":"m","input":${said}}`)).inputs, inputs);
  });
}

for (
  const { name, body, message } of [
    { name: "no input", body: "{}", message: /^"input"/ },
    {
      name: "an input that is a number",
      body: `{"input":5}`,
      message: /^"input" must be text, a list of texts/,
    },
    { name: "an empty input", body: `{"input":[]}`, message: /^"input"/ },
  ]
) {
  Deno.test(`an embedding request with ${name} is refused`, () => {
    throws(() => decodeEmbeddingEnvelope(encode(body)), { code: "invalid_request", message });
  });
}

Deno.test("a completion may be a stream, and needs a prompt", () => {
  const body = encode(`{"model":"m","prompt":"Once","stream":true}`);
  deepEqual(decodeCompletionEnvelope(body), { model: "m", stream: true, keepAliveMs: undefined });
  throws(() => decodeCompletionEnvelope(encode(`{"model":"m"}`)), { field: "prompt" });
});
