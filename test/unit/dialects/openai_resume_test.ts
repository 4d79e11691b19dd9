import { deepEqual, equal, ok } from "node:assert/strict";
import {
  continuation,
  prefilledChat,
  type ResumableRequest,
  resumableRequest,
} from "../../../lib/dialects/openai_resume.ts";

const QUESTION = { role: "user", content: "hi" };

const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const decode = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));

function resumable(fields: Record<string, unknown>): ResumableRequest {
  const request = resumableRequest(encode({ messages: [QUESTION], ...fields }));
  ok(typeof request !== "string", String(request));
  return request;
}

const refused: { name: string; fields: Record<string, unknown> }[] = [
  { name: "two choices", fields: { n: 2 } },
  { name: "tools", fields: { tools: [{ type: "function" }] } },
  { name: "functions", fields: { functions: [{ name: "f" }] } },
  { name: "a JSON answer", fields: { response_format: { type: "json_object" } } },
  { name: "a schema", fields: { json_schema: { type: "object" } } },
  { name: "a grammar", fields: { grammar: "root ::= [0-9]" } },
  { name: "log probabilities", fields: { logprobs: true } },
  { name: "timings of each token", fields: { timings_per_token: true } },
  {
    name: "a picture",
    fields: { messages: [{ role: "user", content: [{ type: "image_url", image_url: {} }] }] },
  },
  { name: "a strange part", fields: { messages: [{ role: "user", content: [null] }] } },
  { name: "its own way of going on", fields: { continue_final_message: true } },
  {
    name: "a beginning in parts",
    fields: { messages: [QUESTION, { role: "assistant", content: [{ type: "text", text: "a" }] }] },
  },
  { name: "no messages", fields: { messages: [] } },
  { name: "a limit that is no number", fields: { max_tokens: "9" } },
];
for (const { name, fields } of refused) {
  Deno.test(`a request with ${name} is not continued by its text`, () => {
    equal(typeof resumableRequest(encode({ messages: [QUESTION], ...fields })), "string");
  });
}

Deno.test("what is no JSON object is not continued", () => {
  for (const body of ["", "{", "[]", "null", "\xff"]) {
    equal(typeof resumableRequest(new TextEncoder().encode(body)), "string", body);
  }
});

Deno.test("plain requests are: with stop words, an empty list of tools, text in parts, a beginning", () => {
  resumable({
    stop: ["x"],
    tools: [],
    n: 1,
    logprobs: false,
    response_format: { type: "text" },
    json_schema: null,
  });
  resumable({ messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }] });
  resumable({ messages: [QUESTION, { role: "assistant", content: "a" }] });
});

const limits: { fields: Record<string, unknown>; want: number | undefined }[] = [
  { fields: {}, want: undefined },
  { fields: { max_tokens: 7 }, want: 7 },
  { fields: { max_tokens: 7, max_completion_tokens: 8 }, want: 8 },
  { fields: { max_tokens: 7, max_completion_tokens: 8, n_predict: 9 }, want: 9 },
  { fields: { n_predict: null, max_tokens: 7.9 }, want: 7 },
  { fields: { max_tokens: -1 }, want: undefined },
  { fields: { max_tokens: 0 }, want: 1 },
];
for (const { fields, want } of limits) {
  Deno.test(`${JSON.stringify(fields)} allows ${want} tokens, as llama-server reads it`, () => {
    equal(resumable(fields).maxTokens, want);
  });
}

Deno.test("the chat so far ends with what the assistant has said", () => {
  const fields = { temperature: 0, tools: [] };
  deepEqual(decode(prefilledChat(resumable(fields), " of \n")), {
    ...fields,
    messages: [QUESTION, { role: "assistant", content: " of \n" }],
  });
});

Deno.test("what the client let the assistant begin with stays before it", () => {
  const begun = { role: "assistant", content: "Well,", name: "x" };
  const request = resumable({ messages: [QUESTION, begun] });
  deepEqual(decode(prefilledChat(request, " yes")).messages, [QUESTION, { ...begun, content: "Well, yes" }]);
  const empty = resumable({ messages: [QUESTION, { role: "assistant", content: null }] });
  deepEqual(decode(prefilledChat(empty, " yes")).messages.at(-1), { role: "assistant", content: " yes" });
});

Deno.test("a continuation samples as the request did, behind the very tokens, for what is left of its limit", () => {
  const sampling = {
    temperature: 0.3,
    seed: 4,
    stop: "x",
    top_k: 3,
    cache_prompt: false,
    unknown: { a: 1 },
    model: "m",
  };
  const chat = {
    stream_options: { include_usage: true },
    max_tokens: 9,
    n_predict: 9,
    chat_template_kwargs: {},
  };
  const body = continuation(resumable({ ...sampling, ...chat, stream: true }), "<s>hi", [5, 6], 7);
  deepEqual(decode(body), { ...sampling, stream: true, prompt: ["<s>hi", 5, 6], max_tokens: 7 });
  equal("max_tokens" in decode(continuation(resumable({}), "p", [], undefined)), false);
});
