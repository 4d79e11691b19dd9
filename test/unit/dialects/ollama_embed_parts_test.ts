import { deepEqual, equal } from "node:assert/strict";
import type { Exchange, UpstreamFacts } from "../../../lib/dialects/exchange.ts";
import { ollamaEmbedParts } from "../../../lib/dialects/ollama_embed_parts.ts";
import { decodeOllamaEmbed, decodeOllamaEmbeddings } from "../../../lib/dialects/ollama_embed_request.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

const NODE: UpstreamFacts = {
  kind: "ollama",
  modelName: "m:latest",
  model: undefined,
  ask: () => Promise.reject(new TypeError("nobody asks")),
};
const LLAMA: UpstreamFacts = { ...NODE, kind: "llama-server", modelName: undefined };

function partsOf(said: string) {
  return ollamaEmbedParts(encode(said), decodeOllamaEmbed(encode(said)));
}

const PARTS = partsOf(`{"model":"m","input":["a","b"]}`)!;

for (const input of [`"a"`, `["a"]`, "[]", "null"]) {
  Deno.test(`${input} has no parts`, () => equal(partsOf(`{"input":${input}}`), undefined));
}

Deno.test("the older form has one text, and no parts", () => {
  const body = encode(`{"prompt":"a","input":["a","b"]}`);
  equal(ollamaEmbedParts(body, decodeOllamaEmbeddings(body)), undefined);
});

Deno.test("a part for a node keeps every other byte of the request, and its model's name there", async () => {
  const { inputs, exchangeOf } = partsOf(`{ "model":"m", "input":["a","b","c"], "dimensions": 8, "x":1.0 }`)!;
  deepEqual(inputs, ["a", "b", "c"]);
  const { target, body } = await exchangeOf(["b", "c"])(NODE) as Exchange;
  equal(target, "/api/embed");
  equal(decode(body), `{ "model":"m:latest", "input":["b","c"], "dimensions": 8, "x":1.0 }`);
});

Deno.test("a part for llama-server asks for its texts alone, and expects as many vectors", async () => {
  const times = { now: () => 0, elapsedMs: () => 2, loadMs: 1 };
  const exchange = await PARTS.exchangeOf(["b"])(LLAMA) as Exchange;
  deepEqual(JSON.parse(decode(exchange.body)).input, ["b"]);
  const answer = encode(`{"data":[{"embedding":[0.5]}],"usage":{"prompt_tokens":3}}`);
  const part = PARTS.read(await exchange.translateWhole!(answer, times), 1)!;
  deepEqual(JSON.parse(decode(PARTS.join([part]))), {
    model: "m",
    embeddings: [[0.5]],
    total_duration: 2_000_000,
    load_duration: 1_000_000,
    prompt_eval_count: 3,
  });
});

for (
  const { name, body, count, isOne } of [
    { name: "one vector for each", body: `{"embeddings":[[1],[2]]}`, count: 2, isOne: true },
    { name: "too few", body: `{"embeddings":[[1]]}`, count: 2, isOne: false },
    { name: "too many", body: `{"embeddings":[[1],[2]]}`, count: 1, isOne: false },
    { name: "no list", body: `{"embeddings":{}}`, count: 0, isOne: false },
    { name: "a duration in words", body: `{"embeddings":[[1]],"load_duration":"5"}`, count: 1, isOne: false },
    { name: "null", body: "null", count: 0, isOne: false },
    { name: "no JSON", body: "{", count: 0, isOne: false },
  ]
) {
  Deno.test(`${name} is ${isOne ? "an" : "no"} answer`, () => {
    equal(PARTS.read(encode(body), count) !== undefined, isOne);
  });
}

Deno.test("answers are put together in the order of their parts: the longest time, and all tokens", () => {
  const part = (text: string) => PARTS.read(encode(text), 1)!;
  const whole = PARTS.join([
    part(`{"model":"m","embeddings":[[1]],"total_duration":9,"load_duration":1,"prompt_eval_count":3}`),
    part(`{"model":"m","embeddings":[[2]],"total_duration":7,"load_duration":5}`),
    part(`{"model":"m","embeddings":[[3]],"prompt_eval_count":4}`),
  ]);
  equal(
    decode(whole),
    `{"model":"m","embeddings":[[1],[2],[3]],"total_duration":9,"load_duration":5,"prompt_eval_count":7}`,
  );
  equal(decode(PARTS.join([part(`{"embeddings":[[1]]}`)])), `{"embeddings":[[1]]}`);
});
