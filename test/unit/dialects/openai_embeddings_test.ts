import { deepEqual, equal } from "node:assert/strict";
import { joinEmbeddings, partsOf, readEmbeddings } from "../../../lib/dialects/openai_embeddings.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));

Deno.test("a part keeps all that the request says, but for its inputs", () => {
  const part = partsOf(encode(`{"model":"m","input":["a","b"],"dimensions":8,"x":{"input":1}}`));
  deepEqual(decode(part(["a"])), { model: "m", input: ["a"], dimensions: 8, x: { input: 1 } });
  deepEqual(decode(part([[1, 2]])).input, [[1, 2]]);
});

Deno.test("a part leaves every other byte as it is, and the input that counts is its own", () => {
  const part = partsOf(
    encode(`{ "seed":9007199254740993, "input":0, "x":1e400, "input" : ["a","b"],"seed":1.0 }`),
  );
  equal(
    new TextDecoder().decode(part(["ä"])),
    `{ "seed":9007199254740993, "input":["ä"], "x":1e400, "input" : ["ä"],"seed":1.0 }`,
  );
});

const DATA = `{"embedding":[0.5]}`;
for (
  const { name, body, count, isOne } of [
    { name: "one vector for each", body: `{"data":[${DATA},${DATA}]}`, count: 2, isOne: true },
    { name: "their places", body: `{"data":[{"index":0},{"index":1}],"usage":{}}`, count: 2, isOne: true },
    { name: "too few", body: `{"data":[${DATA}]}`, count: 2, isOne: false },
    { name: "too many", body: `{"data":[${DATA},${DATA}]}`, count: 1, isOne: false },
    { name: "another order", body: `{"data":[{"index":1},{"index":0}]}`, count: 2, isOne: false },
    { name: "no list", body: `{"data":{}}`, count: 0, isOne: false },
    { name: "a list of numbers", body: `{"data":[1]}`, count: 1, isOne: false },
    {
      name: "usage in words",
      body: `{"data":[${DATA}],"usage":{"prompt_tokens":"5"}}`,
      count: 1,
      isOne: false,
    },
    { name: "null", body: "null", count: 0, isOne: false },
    { name: "no JSON", body: "{", count: 0, isOne: false },
  ]
) {
  Deno.test(`${name} is ${isOne ? "an" : "no"} answer`, () => {
    equal(readEmbeddings(encode(body), count) !== undefined, isOne);
  });
}

Deno.test("answers are put together in the order of their parts, and what they took is summed", () => {
  const part = (first: number, usage: string) =>
    readEmbeddings(
      encode(`{"object":"list","model":"m","data":[{"index":0,"embedding":[${first}]}],"usage":${usage}}`),
      1,
    )!;
  const whole = decode(joinEmbeddings([
    part(1, `{"prompt_tokens":3,"total_tokens":4,"x":5}`),
    part(2, `{"prompt_tokens":10}`),
  ]));
  deepEqual(whole, {
    object: "list",
    model: "m",
    data: [{ index: 0, embedding: [1] }, { index: 1, embedding: [2] }],
    usage: { prompt_tokens: 13, total_tokens: 4, x: 5 },
  });
});

Deno.test("where nobody tells what it took, nothing is told", () => {
  const part = readEmbeddings(encode(`{"data":[${DATA}]}`), 1)!;
  deepEqual(decode(joinEmbeddings([part, part])), {
    data: [{ embedding: [0.5], index: 0 }, { embedding: [0.5], index: 1 }],
  });
});
