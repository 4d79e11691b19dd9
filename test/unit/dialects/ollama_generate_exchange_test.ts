import { deepEqual, equal, rejects } from "node:assert/strict";
import type { Exchange, GivenAnswer } from "../../../lib/dialects/exchange.ts";
import { ollamaGenerateExchange } from "../../../lib/dialects/ollama_generate_exchange.ts";
import { decodeOllamaGenerate } from "../../../lib/dialects/ollama_generate_request.ts";
import type { Capability } from "../../../lib/dialects/served_model.ts";
import { GatewayError } from "../../../lib/errors.ts";
import { askedUpstream, type AskedUpstreamWishes, BEGINNING } from "../../fixtures/llama_questions.ts";
import { servedModel } from "../../fixtures/served_model.ts";

const decoder = new TextDecoder();
const times = { now: () => Date.UTC(2026, 10, 21), elapsedMs: () => 500, loadMs: 3 };
const PNG = "iVBORw0KGgo=";

/** Puts a request to an upstream. */
async function put(said: Record<string, unknown>, wishes: AskedUpstreamWishes = {}) {
  const bytes = new TextEncoder().encode(JSON.stringify({ model: "m", ...said }));
  const upstream = askedUpstream(wishes);
  const exchange = await ollamaGenerateExchange(bytes, decodeOllamaGenerate(bytes))(upstream.facts);
  return { exchange, bytes, asked: upstream.asked };
}

async function sent(said: Record<string, unknown>, wishes: AskedUpstreamWishes = {}) {
  const { exchange, asked } = await put(said, wishes);
  const { target, body, stream, format } = exchange as Exchange;
  return { target, stream, format, body: JSON.parse(decoder.decode(body)), asked };
}

const able = (...capabilities: Capability[]) =>
  servedModel({ capabilities: new Set(["completion", ...capabilities]) });

Deno.test("to a node the bytes pass, also those of a load, and nothing is asked before", async () => {
  for (const said of [{ prompt: "p" }, {}, { prompt: "p", template: "{{ .Prompt }}", context: [1] }]) {
    const { exchange, bytes, asked } = await put(said, { kind: "ollama" });
    const { target, body, format, translateStream, translateWhole } = exchange as Exchange;
    deepEqual([target, format, body === bytes], ["/api/generate", "ollama", true]);
    deepEqual([translateStream, translateWhole, asked.length], [undefined, undefined, 0]);
  }
});

Deno.test("a node is asked for the model by its own name for it", async () => {
  const { body } = await sent({ prompt: "p" }, { kind: "ollama", modelName: "M:Latest" });
  equal(body.model, "M:Latest");
});

Deno.test("a prompt is a chat of one message at a llama-server", async () => {
  const { target, stream, format, body, asked } = await sent({ prompt: "p" });
  deepEqual([target, stream, format], ["/v1/chat/completions", true, "openai"]);
  deepEqual(body.messages, [{ role: "user", content: "p" }]);
  equal(body.stream, true);
  equal(asked.length, 0);
});

Deno.test("the request's system message stands in the place of the model's, before its stored turns", async () => {
  const model = servedModel({ system: "own", messages: [{ role: "user", content: "before" }] });
  const ofModel = await sent({ prompt: "p" }, { model });
  const ofRequest = await sent({ prompt: "p", system: "said" }, { model });
  const rest = [{ role: "user", content: "before" }, { role: "user", content: "p" }];
  deepEqual(ofModel.body.messages, [{ role: "system", content: "own" }, ...rest]);
  deepEqual(ofRequest.body.messages, [{ role: "system", content: "said" }, ...rest]);
  const unknown = await sent({ prompt: "p", system: "said" });
  deepEqual(unknown.body.messages, [{ role: "system", content: "said" }, { role: "user", content: "p" }]);
});

Deno.test("a raw prompt is completed as it is, with Ollama's options", async () => {
  const { target, format, stream, body } = await sent({
    prompt: "<s>p",
    raw: true,
    stream: false,
    format: { type: "array" },
    options: { temperature: 0 },
    logprobs: true,
  });
  deepEqual([target, format, stream], ["/completion", "completion", false]);
  deepEqual([body.prompt, body.stream, body.temperature, body.top_p], ["<s>p", false, 0, 0.9]);
  deepEqual([body.json_schema, body.n_probs], [{ type: "array" }, 1]);
  equal(body.response_fields.includes("stop"), true);
});

Deno.test("any JSON is an object, as Ollama's grammar has it", async () => {
  deepEqual((await sent({ prompt: "p", raw: true, format: "json" })).body.json_schema, { type: "object" });
});

Deno.test("a suffix is for infilling", async () => {
  const { target, body } = await sent({ prompt: "a", suffix: "b" }, { model: able("insert") });
  equal(target, "/infill");
  deepEqual([body.input_prefix, body.input_suffix], ["a", "b"]);
});

Deno.test("a context is made text before the prompt, without the turns that are stored with the model", async () => {
  const model = servedModel({ system: "own", messages: [{ role: "user", content: "before" }] });
  const { target, body, asked } = await sent({ prompt: "p", context: [104, 105] }, { model });
  equal(target, "/completion");
  equal(body.prompt, "hi<system>own<user>p<assistant>");
  deepEqual(asked.map(({ target }) => target), ["/detokenize", "/apply-template"]);
});

Deno.test("questions name the model where the upstream must know it", async () => {
  const { body, asked } = await sent({ prompt: "p", context: [104] }, { modelName: "alias" });
  deepEqual([body.model, ...asked.map((question) => question.body["model"])], ["alias", "alias", "alias"]);
});

Deno.test("what the answer may be gone on from: the tokens of the whole prompt and of the answer", async () => {
  const end = `{"content":"","stop":true,"stop_type":"eos","timings":{}}`;
  const chatEnd = `{"choices":[{"index":0,"message":{"content":"yes"},"finish_reason":"stop"}]}`;
  for (
    const { said, answer, want } of [
      { said: { prompt: "p" }, answer: chatEnd, want: "<user>p<assistant>yes" },
      {
        said: { prompt: "p", context: [104] },
        answer: end.replace(`""`, `"yes"`),
        want: "h<user>p<assistant>yes",
      },
      { said: { prompt: "p", raw: true }, answer: end, want: undefined },
    ]
  ) {
    const { exchange } = await put({ ...said, stream: false });
    const body = await (exchange as Exchange).translateWhole!(new TextEncoder().encode(answer), times);
    const { context } = JSON.parse(decoder.decode(body));
    deepEqual(context, want && Array.from(want, (letter) => letter.codePointAt(0)));
  }
});

Deno.test("an answer does not fail because nobody tells its tokens", async () => {
  const answer = `{"choices":[{"index":0,"message":{"content":"yes"},"finish_reason":"stop"}]}`;
  const { exchange } = await put({ prompt: "p" }, { answer: () => ({ status: 500, value: undefined }) });
  const body = await (exchange as Exchange).translateWhole!(new TextEncoder().encode(answer), times);
  const { response, context } = JSON.parse(decoder.decode(body));
  deepEqual([response, context], ["yes", undefined]);
});

Deno.test("a prompt that is too long is cut in the middle, raw or not", async () => {
  const model = servedModel({ contextSize: 32 });
  const prompt = "abcdefghij".repeat(10);
  for (const said of [{ raw: true }, {}, { context: [104] }]) {
    const { target, body } = await sent({ prompt, ...said }, { model });
    equal(target, "/completion");
    equal(body.prompt.length < 32, true);
    equal(body.prompt[0], BEGINNING);
    equal(body.prompt.at(-1), (said.raw ? "j" : ">").codePointAt(0));
  }
});

Deno.test("a prompt that is too long is left as it is where it must not be cut, or where nobody knows the room", async () => {
  const prompt = "abcdefghij".repeat(10);
  const model = servedModel({ contextSize: 32 });
  const whole = await sent({ prompt, raw: true, truncate: false }, { model });
  const unknown = await sent({ prompt, raw: true });
  deepEqual([whole.body.prompt, unknown.body.prompt], [prompt, prompt]);
});

Deno.test("a prompt that only looks too long is asked for as it is", async () => {
  const model = servedModel({ contextSize: 32 });
  const { target, body, asked } = await sent({ prompt: "👋".repeat(9) }, { model }); // 9 tokens, 36 bytes
  deepEqual(asked.map(({ target }) => target), ["/apply-template", "/tokenize"]);
  equal(target, "/v1/chat/completions");
  deepEqual(body.messages, [{ role: "user", content: "👋".repeat(9) }]);
});

Deno.test("a load is answered without asking", async () => {
  const { exchange, asked } = await put({ prompt: "" }, { model: able() });
  const said = JSON.parse(decoder.decode((exchange as GivenAnswer).given(times)));
  deepEqual(said, {
    model: "m",
    created_at: "2026-11-21T00:00:00.000Z",
    response: "",
    done: true,
    done_reason: "load",
  });
  equal(asked.length, 0);
});

for (
  const { said, field, why, model } of [
    { said: { suffix: "s" }, field: "suffix", why: `"m" does not support insert`, model: able() },
    { said: { prompt: "", suffix: "s" }, field: "suffix", why: `"m" does not support insert`, model: able() },
    { said: { think: true }, field: "think", why: `"m" does not support thinking`, model: able() },
    { said: { images: [PNG] }, field: "images", why: `"m" does not support images`, model: able() },
    {
      said: {},
      field: "model",
      why: `"m" does not support generate`,
      model: servedModel({ capabilities: new Set(["embedding"] as const) }),
    },
    {
      said: { template: "{{ .Prompt }}" },
      field: "template",
      why: `This model runs on llama-server, which cannot use a Go template; leave out "template", ` +
        `or send the finished prompt with "raw": true`,
      model: undefined,
    },
    ...[
      { said: { raw: true }, other: "raw" },
      { said: { context: [1] }, other: "context" },
      { said: { suffix: "s" }, other: "suffix" },
    ].map(({ said, other }) => ({
      said: { ...said, images: [PNG] },
      field: "images",
      why: `This model runs on llama-server, where "images" do not go with "${other}"; leave one out`,
      model: able("vision", "insert"),
    })),
  ]
) {
  Deno.test(`${JSON.stringify(said)} is refused: ${why}`, async () => {
    await rejects(() => put({ prompt: "p", ...said }, { model }), (error: unknown) => {
      equal(error instanceof GatewayError && error.status, 400);
      deepEqual([(error as GatewayError).message, (error as GatewayError).field], [why, field]);
      return true;
    });
  });
}

Deno.test("think: false is nothing that a model must be able to do", async () => {
  equal((await sent({ prompt: "p", think: false }, { model: able() })).target, "/v1/chat/completions");
});

for (
  const { status, value, code, why } of [
    {
      status: 400,
      value: { error: { message: "no such token" } },
      code: "invalid_request",
      why: /no such token/,
    },
    { status: 500, value: undefined, code: "upstream_failed", why: /status 500/ },
    { status: 200, value: { content: 5 }, code: "upstream_failed", why: /text of tokens/ },
  ]
) {
  Deno.test(`a question that is answered with ${status} and ${JSON.stringify(value)} is ${code}`, async () => {
    await rejects(
      () => put({ prompt: "p", context: [1] }, { answer: () => ({ status, value }) }),
      (error: unknown) => {
        equal(error instanceof GatewayError && error.code, code);
        equal(why.test((error as GatewayError).message), true);
        return true;
      },
    );
  });
}
