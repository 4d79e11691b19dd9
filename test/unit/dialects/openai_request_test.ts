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
    `{"model":"m","stream":true,"messages":[{"role":"user","content":[{"type":"text","text":"a"}],"x":1}],"unknown":{}}`;
  const { model, stream, keepAliveMs, turns, choiceCount, seed, toolWish } = decodeChatEnvelope(encode(body));
  deepEqual({ model, stream, keepAliveMs }, { model: "m", stream: true, keepAliveMs: undefined });
  deepEqual({ choiceCount, seed, toolWish }, { choiceCount: 1, seed: undefined, toolWish: undefined });
  equal(turns.length, 1);
  const unnamed = decodeChatEnvelope(encode(`{"messages":[{"role":"user"}],"model":null}`));
  deepEqual([unnamed.model, unnamed.stream, unnamed.keepAliveMs], [undefined, false, undefined]);
});

for (
  const said of [
    `"content":null`,
    `"content":[]`,
    `"content":"x","name":null,"reasoning_content":null,"refusal":null,"audio":null`,
    `"content":[{"type":"text","text":"a","cache_control":{}},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"low"}}]`,
    `"content":[{"type":"image_url","image_url":"data:;base64,AAAA"}]`,
    `"content":[{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}]`,
    `"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{"}}]`,
    `"tool_calls":[{"function":{"name":"f","arguments":{"a":1}}}]`,
  ]
) {
  Deno.test(`what upstreams take passes: ${said.slice(0, 60)}`, () => {
    equal(decodeChatEnvelope(encode(`{"messages":[{"role":"assistant",${said}}]}`)).turns.length, 1);
  });
}

for (
  const said of [
    `"stop":["a"],"n":null,"seed":1.5,"temperature":null,"stream_options":null,"response_format":null`,
    `"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":true}}`,
    `"tools":[],"tool_choice":"auto"`,
    `"tools":null,"tool_choice":null,"parallel_tool_calls":true`,
    `"tools":[{"type":"custom","custom":{"name":"f"}}]`,
    `"logprobs":true,"top_logprobs":3,"logit_bias":{"5":-100},"user":"u","metadata":{"a":1}`,
    `"reasoning_effort":"none","chat_template_kwargs":{"enable_thinking":false},"mirostat":2`,
  ]
) {
  Deno.test(`options that upstreams take pass: ${said.slice(0, 60)}`, () => {
    const { choiceCount } = decodeChatEnvelope(
      encode(`{"messages":[{"role":"user","content":"x"}],${said}}`),
    );
    equal(choiceCount, 1);
  });
}

for (const [said, wantMs] of [[`"10m"`, 600_000], ["0", 0], ["-1", Infinity], ["null", undefined]] as const) {
  Deno.test(`keep_alive: ${said} is read as Ollama's clients mean it`, () => {
    const body = encode(`{"keep_alive":${said},"messages":[{"role":"user"}]}`);
    equal(decodeChatEnvelope(body).keepAliveMs, wantMs);
  });
}

const HI = `"messages":[{"role":"user","content":"hi"}]`;

/** What is wrong with a body, by the field at fault: the members of the body, and what is said of them. */
function wrong(bodies: Record<string, readonly [members: string, message: RegExp]>): typeof refused {
  return Object.entries(bodies).map(([field, [members, message]]) => ({
    name: members.slice(0, 90),
    body: encode(`{${members}}`),
    message,
    field,
  }));
}

const refused: { name: string; body: Uint8Array; message: RegExp; field?: string }[] = [
  { name: "no body", body: encode(""), message: /^missing request body/ },
  { name: "not JSON", body: encode("{"), message: /not valid JSON/ },
  { name: "not UTF-8", body: Uint8Array.of(0x7b, 0xff, 0x7d), message: /not valid UTF-8/ },
  { name: "an array", body: encode("[]"), message: /^The body must be a JSON object/ },
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
  ...wrong({
    "messages[0].content": [
      `"messages":[{"role":"user","content":5}]`,
      /must be text, a list of parts, or null$/,
    ],
    "messages[0].content[0]": [
      `"messages":[{"role":"user","content":["hi"]}]`,
      /must be an object, not text$/,
    ],
    "messages[0].content[1].text": [
      `"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text"}]}]`,
      /is missing; it must be text$/,
    ],
    "messages[0].content[0].type": [
      `"messages":[{"role":"user","content":[{"type":"file","file":{}}]}]`,
      /must be one of text, image_url, input_audio, input_video$/,
    ],
    "messages[0].content[0].image_url": [
      `"messages":[{"role":"user","content":[{"type":"image_url","image_url":{}}]}]`,
      /must be an object with "url"$/,
    ],
    "messages[0].content[0].image_url.url": [
      `"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":5}}]}]`,
      /must be text$/,
    ],
    "messages[0].tool_calls[0].function.name": [
      `"messages":[{"role":"assistant","tool_calls":[{"function":{"arguments":"{}"}}]}]`,
      /is missing/,
    ],
    "messages[0].tool_calls[0].function.arguments": [
      `"messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":5}}]}]`,
      /must be text that holds a JSON object$/,
    ],
    "messages[0].tool_call_id": [
      `"messages":[{"role":"tool","content":"","tool_call_id":7}]`,
      /not a number$/,
    ],
    tools: [`${HI},"tools":{}`, /must be a list, not an object$/],
    "tools[0].function.name": [`${HI},"tools":[{"type":"function","function":{}}]`, /is missing/],
    "tools[0].function.parameters": [
      `${HI},"tools":[{"type":"function","function":{"name":"f","parameters":"x"}}]`,
      /must be an object, not text$/,
    ],
    tool_choice: [`${HI},"tool_choice":5`, /must be text, or an object that names a tool$/],
    stop: [`${HI},"stop":[5]`, /must be text, or a list of texts$/],
    n: [`${HI},"n":129`, /must be at most 128$/],
    temperature: [`${HI},"temperature":"hot"`, /must be a number, not text$/],
    max_tokens: [`${HI},"max_tokens":true`, /must be a number/],
    max_completion_tokens: [`${HI},"max_completion_tokens":1e999`, /must be a number/],
    response_format: [`${HI},"response_format":"json"`, /must be an object, not text$/],
    "response_format.json_schema": [
      `${HI},"response_format":{"type":"json_schema","json_schema":[]}`,
      /must be an object, not a list$/,
    ],
    stream_options: [`${HI},"stream_options":true`, /must be an object/],
    "stream_options.include_usage": [
      `${HI},"stream_options":{"include_usage":"yes"}`,
      /must be true or false/,
    ],
    logprobs: [`${HI},"logprobs":"yes"`, /must be true or false, or a number$/],
    top_logprobs: [`${HI},"top_logprobs":"3"`, /must be a number/],
  }),
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

for (
  const { said, promptCount } of [
    { said: `"Once"`, promptCount: undefined },
    { said: `[1,2]`, promptCount: undefined },
    { said: `[1,"a"]`, promptCount: undefined },
    { said: `{"prompt_string":"a"}`, promptCount: undefined },
    { said: `["Once"]`, promptCount: 1 },
    { said: `["Once",[1,2],{"prompt_string":"a"}]`, promptCount: 3 },
  ]
) {
  Deno.test(`a completion of ${said} has ${promptCount ?? "no list of"} prompts`, () => {
    const envelope = decodeCompletionEnvelope(encode(`{"model":"m","prompt":${said},"stream":true}`));
    deepEqual([envelope.promptCount, envelope.stream], [promptCount, true]);
  });
}

for (const prompt of [``, `"prompt":null`, `"prompt":[]`, `"prompt":5`, `"prompt":[null]`, `"prompt":{}`]) {
  Deno.test(`a completion is refused with ${prompt || "no prompt"}`, () => {
    throws(() => decodeCompletionEnvelope(encode(`{${prompt}}`)), {
      code: "invalid_request",
      field: "prompt",
    });
  });
}

for (
  const { where, part } of [
    { where: "an address", part: `{"type":"image_url","image_url":{"url":"http://10.0.0.1/x.png"}}` },
    { where: "an address as text", part: `{"type":"image_url","image_url":"https://host/x.png"}` },
    { where: "an address in capitals", part: `{"type":"image_url","image_url":{"url":" HTTP://host/"}}` },
    { where: "what llama-server takes for one", part: `{"type":"image_url","image_url":{"url":"httpx"}}` },
    { where: "a file", part: `{"type":"image_url","image_url":{"url":"file:///etc/passwd"}}` },
    { where: "a place of another kind", part: `{"type":"image_url","image_url":{"url":"ftp://host/x"}}` },
    { where: "a sound's address", part: `{"type":"input_audio","input_audio":{"url":"http://host/x.wav"}}` },
    {
      where: "an address for a sound's data",
      part: `{"type":"input_audio","input_audio":{"data":"http://h/x"}}`,
    },
    { where: "a film's address", part: `{"type":"input_video","input_video":{"url":"https://host/x.mp4"}}` },
    {
      where: "an address that comes second",
      part:
        `{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"},"image_url":{"url":"http://h/"}}`,
    },
  ]
) {
  for (const role of ["user", "system", "tool", "assistant"]) {
    Deno.test(`nobody fetches ${where} that a message of the ${role} names`, () => {
      const body = encode(
        `{"messages":[{"role":"user","content":"a"},{"role":"${role}","content":[${part}]}]}`,
      );
      throws(() => decodeChatEnvelope(body), {
        code: "invalid_request",
        message: /^"messages\[1\]\.content\[0\]\.(?:input|image)_.*not fetched here/,
      });
    });
  }
}
