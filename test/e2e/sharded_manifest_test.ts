import { deepEqual, equal, match, ok } from "node:assert/strict";
import { buildTinyAdapter, buildTinyModel, type TinyModelOptions } from "../../lib/gguf/tiny_model.ts";
import { f32, text, u32 } from "../../lib/gguf/writer.ts";
import type { OllamaStoreFixture } from "../fixtures/ollama_store.ts";
import { GatewayBed, type ServedGateway } from "./gateway_bed.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const test = await withLlamaCpp();

type Metadata = NonNullable<TinyModelOptions["metadata"]>;

const tiny = (metadata: Metadata = {}) => buildTinyModel({ layers: 4, metadata });
const GREEDY = { temperature: 0 };
/** Stop words of a request go before those that are stored. */
const UNSTOPPED = { stop: ["nobody says this"] };
const SYSTEM = "Answer briefly.";
const TURNS = [{ role: "user", content: "Hello" }, { role: "assistant", content: "there" }];

/** Every kind of manifest that a sharded model may have. */
async function fillStore(store: OllamaStoreFixture): Promise<void> {
  const sampling = { "general.sampling.temp": f32(1.9), "general.sampling.min_p": f32(0.5) };
  const params = {
    ...GREEDY,
    top_k: 7,
    num_predict: 9,
    num_ctx: 2_048,
    repeat_last_n: -1,
    stop: [" two", "\n\\n"],
  };
  await store.addModel("brief", tiny(sampling), { params, system: SYSTEM, messages: TURNS });
  await store.addModel("adapted", tiny(), { params: GREEDY, adapter: buildTinyAdapter({ layers: 4 }) });
  await store.addModel("bare", tiny(), { params: GREEDY });
  await store.addModel("embed", tiny({ "llama.pooling_type": u32(1) }));
  await store.addModel("base", tiny({ "tokenizer.chat_template": undefined }), { template: "{{ .Prompt }}" });
  await store.addModel("theirs", tiny({ "general.architecture": text("gptoss") }));
}

interface Said {
  readonly status: number;
  // deno-lint-ignore no-explicit-any
  readonly body: any;
}

async function post({ url }: ServedGateway, path: string, body: unknown): Promise<Said> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: response.status, body: await response.json() };
}

async function get({ url }: ServedGateway, path: string): Promise<Said> {
  const response = await fetch(url + path);
  return { status: response.status, body: await response.json() };
}

function chatOf(model: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { model, messages: [{ role: "user", content: "Hello there" }], ...more };
}

test("what manifests and files say of their models reaches clients of sharded models", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 2, models: [] });
  await fillStore(bed.store);
  await using gateway = await bed.serve();
  equal((await get(gateway, "/props?model=brief")).status, 409);
  const promptTokens = await checkParams(gateway);
  await checkUtilities(gateway);
  await checkAdapter(gateway);
  await checkTurns(gateway, promptTokens);
  await checkEmbeddings(gateway);
  await checkObstacles(gateway);
  await gateway.stop();
  await bed.assertNothingLeft();
});

/** The stored options go over the file's own, and the request's over both. @returns Tokens of a prompt. */
async function checkParams(gateway: ServedGateway): Promise<number> {
  const { status, body: { choices: [choice], usage } } = await post(
    gateway,
    "/v1/chat/completions",
    chatOf("brief"),
  );
  equal(status, 200);
  deepEqual([choice.finish_reason, usage.completion_tokens], ["length", 9]);
  const again = await post(gateway, "/v1/chat/completions", chatOf("brief"));
  equal(again.body.choices[0].message.content, choice.message.content, "temperature 0 says the same again");
  const longer = await post(
    gateway,
    "/v1/chat/completions",
    chatOf("brief", { max_tokens: 12, ...UNSTOPPED }),
  );
  equal(longer.body.usage.completion_tokens, 12);
  ok(longer.body.choices[0].message.content.startsWith(choice.message.content));
  const { body: props } = await get(gateway, "/props?model=brief");
  const { params, n_ctx } = props.default_generation_settings;
  deepEqual([params.temperature, params.top_k, params.min_p, n_ctx], [0, 7, 0, 2_048]);
  equal(params.repeat_last_n, 2_048);
  equal(Math.fround(0.9), Math.fround(params.top_p), "Ollama's own, where nobody says anything");
  ok(!JSON.stringify(props).includes("sha256-"), "no path of a blob");
  deepEqual((await get(gateway, "/slots")).body.map(({ id }: { id: number }) => id), [0, 1, 2, 3]);
  await checkStop(gateway);
  return usage.prompt_tokens;
}

/** Stop words are seen only where they end an answer: with one in it, it ends before. */
async function checkStop(gateway: ServedGateway): Promise<void> {
  const { body: free } = await post(gateway, "/v1/completions", {
    ...{ model: "brief", prompt: "Hello there", max_tokens: 200, ...UNSTOPPED },
  });
  const { body: stopped } = await post(gateway, "/v1/completions", {
    ...{ model: "brief", prompt: "Hello there", max_tokens: 200 },
  });
  const said: string = free.choices[0].text;
  equal(free.choices[0].finish_reason, "length");
  ok(said.includes(" two"), said);
  equal(stopped.choices[0].finish_reason, "stop");
  equal(stopped.choices[0].text, said.slice(0, said.indexOf(" two")));
}

async function checkUtilities(gateway: ServedGateway): Promise<void> {
  const model = "brief";
  const { status, body: { tokens } } = await post(gateway, "/tokenize", { model, content: "Hello there" });
  equal(status, 200);
  deepEqual((await post(gateway, "/detokenize", { model, tokens })).body, { content: "Hello there" });
  const wrong = await post(gateway, "/detokenize", { model, tokens: [1e9] });
  deepEqual([wrong.status, wrong.body.error.param], [400, "tokens"]);
  const { body: { prompt } } = await post(gateway, "/apply-template", chatOf(model));
  match(prompt, /Hello there/);
  const infill = await post(gateway, "/infill", { model, input_prefix: "a", input_suffix: "b" });
  equal(infill.status, 400);
  match(infill.body.error.message, /not supported by this model/i);
  equal((await post(gateway, "/tokenize", { model, content: 5 })).body.error.param, "content");
  equal((await post(gateway, "/tokenize", { model: "nobody", content: "a" })).status, 404);
  equal((await get(gateway, "/props?model=nobody")).status, 404);
}

async function checkAdapter(gateway: ServedGateway): Promise<void> {
  const ask = async (model: string) => {
    const { body } = await post(gateway, "/v1/chat/completions", chatOf(model, { max_tokens: 12 }));
    return body.choices[0].message.content;
  };
  const [adapted, bare] = [await ask("adapted"), await ask("bare")];
  ok(adapted.length > 0 && adapted !== bare, `both say "${bare}"`);
}

/** The same turns, written out for a model that has none stored, are as many tokens. */
async function checkTurns(gateway: ServedGateway, promptTokens: number): Promise<void> {
  const messages = [{ role: "system", content: SYSTEM }, ...TURNS, { role: "user", content: "Hello there" }];
  const { body } = await post(gateway, "/v1/chat/completions", { model: "bare", messages, max_tokens: 1 });
  equal(body.usage.prompt_tokens, promptTokens);
}

async function checkEmbeddings(gateway: ServedGateway): Promise<void> {
  const long = "Hello there ".repeat(200); // 2,400 tokens: more than llama.cpp's own physical batch
  const { status, body } = await post(gateway, "/v1/embeddings", { model: "embed", input: ["Hello", long] });
  equal(status, 200, JSON.stringify(body).slice(0, 300));
  deepEqual(body.data.map(({ embedding }: { embedding: number[] }) => embedding.length), [128, 128]);
  ok(body.usage.prompt_tokens > 2_000);
  const refused = await post(gateway, "/v1/embeddings", { model: "bare", input: "Hello" });
  deepEqual([refused.status, refused.body.error.code], [422, "model_unusable"]);
  match(refused.body.error.message, /"bare:latest": it is no embedding model/);
}

async function checkObstacles(gateway: ServedGateway): Promise<void> {
  const base = await post(gateway, "/v1/chat/completions", chatOf("base"));
  equal(base.status, 422);
  match(base.body.error.message, /its file holds no chat template/);
  const completed = await post(gateway, "/v1/completions", { model: "base", prompt: "Hello", max_tokens: 3 });
  equal(completed.body.usage.completion_tokens, 3);
  const theirs = await post(gateway, "/v1/chat/completions", chatOf("theirs"));
  equal(theirs.status, 422);
  match(theirs.body.error.message, /its architecture is "gptoss".*run it on an Ollama node/);
  ok(!theirs.body.error.message.includes("/blobs/"), theirs.body.error.message);
}
