import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import type { AnswerTimes, Exchange, UpstreamFacts } from "../../../lib/dialects/exchange.ts";
import { completionChoices } from "../../../lib/dialects/openai_choices.ts";
import { openaiCompletionExchange } from "../../../lib/dialects/openai_exchange.ts";
import { decodeCompletionEnvelope } from "../../../lib/dialects/openai_request.ts";
import { servedModel } from "../../fixtures/served_model.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const TIMES: AnswerTimes = { now: () => 5_999, elapsedMs: () => 0, loadMs: 0 };

const LLAMA: UpstreamFacts = {
  kind: "llama-server",
  modelName: "there",
  model: undefined,
  ask: () => Promise.reject(new TypeError("nobody asks")),
};
const CODER = servedModel({ name: "coder:7b", capabilities: new Set(["completion", "insert"]) });

function put(said: string, upstream = LLAMA): Exchange {
  const body = encode(said);
  const exchange = openaiCompletionExchange(body, decodeCompletionEnvelope(body))(upstream);
  ok(!(exchange instanceof Promise) && "target" in exchange);
  return exchange;
}

const FIELDS = `"response_fields":["content","stop","stop_type","timings","tokens_evaluated",` +
  `"tokens_predicted","completion_probabilities"]`;
const ADDED = (prefix: string, suffix: string) =>
  `"input_prefix":${prefix},"input_suffix":${suffix},${FIELDS},`;

for (
  const { name, said, want } of [
    {
      name: "a text between two others",
      said:
        `{"model":"m","prompt":"a\\u00e9","suffix":"z","max_tokens":7,"stop":["x"],"seed":1.0,"stream":true}`,
      want: `{${
        ADDED(`"a\\u00e9"`, `"z"`)
      }"model":"there","prompt":"","suffix":"z","max_tokens":7,"stop":["x"],"seed":1.0,"stream":true}`,
    },
    {
      name: "the only text of a list",
      said: `{"model":"there","prompt":[ "a" ],"suffix":"z"}`,
      want: `{${ADDED(`"a"`, `"z"`)}"model":"there","prompt":"","suffix":"z"}`,
    },
    {
      name: "the last of two prompts by the same key",
      said: `{"model":"there","prompt":"a","prompt":"b","suffix":"z"}`,
      want: `{${ADDED(`"b"`, `"z"`)}"model":"there","prompt":"","prompt":"","suffix":"z"}`,
    },
  ]
) {
  Deno.test(`llama-server's /infill is asked for ${name}`, () => {
    const { target, format, stream, body } = put(said);
    deepEqual([target, format, stream], ["/infill", "completion", said.includes('"stream":true')]);
    equal(decode(body), want);
    JSON.parse(decode(body));
  });
}

for (const suffix of [`""`, "null"]) {
  Deno.test(`a suffix of ${suffix} is none: the bytes pass, whatever the prompt is`, () => {
    const said = `{"model":"there","prompt":[1,2],"suffix":${suffix}}`;
    const { target, body, translateWhole } = put(said, { ...LLAMA, model: servedModel() });
    deepEqual([target, decode(body), translateWhole], ["/v1/completions", said, undefined]);
  });
}

Deno.test("a node fills in texts itself", () => {
  const said = `{"model":"there","prompt":"a","suffix":"z"}`;
  const { target, body } = put(said, { ...LLAMA, kind: "ollama" });
  deepEqual([target, decode(body)], ["/v1/completions", said]);
});

Deno.test("a model that cannot fill in is refused in Ollama's words; one that can is asked", () => {
  const said = `{"model":"m","prompt":"a","suffix":"z"}`;
  throws(() => put(said, { ...LLAMA, model: servedModel({ capabilities: new Set(["completion"]) }) }), {
    code: "invalid_request",
    message: `"m" does not support insert`,
    field: "suffix",
  });
  equal(put(said, { ...LLAMA, model: CODER }).target, "/infill");
});

for (const prompt of ["[1,2]", `["a",1]`, `[[1],[2]]`, `{"prompt_string":"a"}`]) {
  Deno.test(`what stands before a suffix is text, which ${prompt} is not`, () => {
    throws(() => put(`{"prompt":${prompt},"suffix":"z"}`), {
      code: "invalid_request",
      field: "prompt",
      message: /must be text/,
    });
  });
}

Deno.test("several prompts with a suffix, and several answers to each, are asked one by one", async () => {
  const body = encode(`{"model":"there","prompt":["a","b"],"suffix":"z","n":2,"seed":3}`);
  const choices = completionChoices(body, decodeCompletionEnvelope(body))!;
  const asked = await Promise.all(choices.map(async (choice) => await choice(LLAMA) as Exchange));
  const said = asked.map((exchange) => JSON.parse(decode(exchange.body)));
  deepEqual(asked.map(({ target }) => target), new Array(4).fill("/infill"));
  deepEqual(
    said.map(({ input_prefix, input_suffix, n, seed }) => [input_prefix, input_suffix, n, seed]),
    [["a", "z", 1, 3], ["a", "z", 1, 4], ["b", "z", 1, 3], ["b", "z", 1, 4]],
  );
});

const TOKEN = { id: 4, token: " who", bytes: [32, 119], logprob: -0.5, top_logprobs: [] };
const END = { content: "", stop: true, stop_type: "limit", tokens_evaluated: 9, tokens_predicted: 2 };
const TIMINGS = { cache_n: 3, prompt_n: 6, predicted_n: 2 };
const USAGE = {
  prompt_tokens: 9,
  completion_tokens: 2,
  total_tokens: 11,
  prompt_tokens_details: { cached_tokens: 3 },
};
const HEAD = { id: "cmpl-5999", object: "text_completion", created: 5, model: "m" };
const SAID = `{"model":"m","prompt":"a","suffix":"z"}`;

Deno.test("a whole answer is told as a completion", async () => {
  const answer = { ...END, content: " who", timings: TIMINGS, completion_probabilities: [TOKEN] };
  const told = await put(SAID).translateWhole!(encode(JSON.stringify(answer)), TIMES);
  const { id: _, ...logprob } = TOKEN;
  deepEqual(JSON.parse(decode(told)), {
    ...HEAD,
    choices: [{ text: " who", index: 0, logprobs: { content: [logprob] }, finish_reason: "length" }],
    usage: USAGE,
  });
});

Deno.test("what a client does not name is called as it is served", async () => {
  const said = `{"prompt":"a","suffix":"z"}`;
  for (const [upstream, model] of [[{ ...LLAMA, model: CODER }, "coder:7b"], [LLAMA, "there"]] as const) {
    const told = await put(said, upstream).translateWhole!(encode(JSON.stringify(END)), TIMES);
    equal(JSON.parse(decode(told)).model, model);
  }
});

Deno.test("an answer that is none is not understood", async () => {
  const { translateWhole } = put(SAID);
  for (const body of ["{", "[]", "{}", `{"error":{"message":"out of memory"}}`]) {
    await rejects(async () => await translateWhole!(encode(body), TIMES), SyntaxError, body);
  }
});

const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const chunk = (text: string, reason: string | null, more = {}) =>
  event({ ...HEAD, choices: [{ text, index: 0, logprobs: null, finish_reason: reason }], ...more });

for (const [stopType, reason] of [["limit", "length"], ["eos", "stop"], ["word", "stop"]] as const) {
  Deno.test(`a stream that ends by ${stopType} is told chunk by chunk, its usage in the last one`, async () => {
    const translator = put(SAID).translateStream!(TIMES);
    const push = (value: unknown) => decode(translator.push(encode(event(value))));
    equal(push({ content: " who", stop: false }), chunk(" who", null));
    equal(push({ content: "", stop: false }), ""); // half of a character
    const end = { ...END, stop_type: stopType, timings: TIMINGS };
    equal(push(end), chunk("", reason, { usage: USAGE }));
    equal(decode(await translator.end()), "data: [DONE]\n\n");
  });
}

Deno.test("an error in a stream is told, and nothing follows that looks like success", async () => {
  const translator = put(SAID).translateStream!(TIMES);
  const events = event({ content: "b", stop: false }) + event({ error: { message: "out of memory" } }) +
    event(END);
  const told = decode(translator.push(encode(events))) + decode(translator.push(encode(event(END)))) +
    decode(await translator.end());
  const error = { message: "out of memory", type: "server_error", param: null, code: null };
  equal(told, chunk("b", null) + event({ error }));
});
