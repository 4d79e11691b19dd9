import { deepEqual, equal, throws } from "node:assert/strict";
import { type EmbedAnswerForm, ollamaEmbedding } from "../../../lib/dialects/ollama_embed_answer.ts";

const times = { now: () => 0, elapsedMs: () => 12.5, loadMs: 2 };
const FORM: EmbedAnswerForm = { model: "m", isLegacy: false, dimensions: undefined, count: 2 };

interface SaidEntry {
  readonly index?: number;
  readonly embedding: readonly unknown[];
}

function textOf(
  data: readonly SaidEntry[],
  form: Partial<EmbedAnswerForm> = {},
  usage: unknown = undefined,
): string {
  const body = new TextEncoder().encode(JSON.stringify({ object: "list", data, usage }));
  return new TextDecoder().decode(ollamaEmbedding(body, { ...FORM, count: data.length, ...form }, times));
}

Deno.test("vectors come in the order of their texts, with times and tokens as Ollama tells them", () => {
  const data = [{ index: 1, embedding: [0.25, 1] }, { index: 0, embedding: [-0.5, 0] }];
  equal(
    textOf(data, {}, { prompt_tokens: 7 }),
    `{"model":"m","embeddings":[[-0.5,0],[0.25,1]],"total_duration":12500000,"load_duration":2000000,` +
      `"prompt_eval_count":7}`,
  );
});

Deno.test("without indices the order is that of the answer, without usage nothing is told of it", () => {
  const text = textOf([{ embedding: [1] }, { embedding: [2] }]);
  deepEqual(JSON.parse(text).embeddings, [[1], [2]]);
  equal(text.includes("prompt_eval_count"), false);
});

Deno.test("numbers of 32 bits are written as short as they can be read again", () => {
  const numbers = Float32Array.from({ length: 2_000 }, (_, at) => Math.sin(at * 12.9898) * 43_758.5453 % 1);
  const edges = Float32Array.of(0, 1, -1, 1 / 3, 1e-30, 3.4e38, 1.17549435e-38, 16_777_217, 0.1);
  for (const wanted of [numbers, edges]) {
    const text = textOf([{ embedding: [...wanted] }]);
    deepEqual(Float32Array.from(JSON.parse(text).embeddings[0]), wanted);
  }
  equal(textOf([{ embedding: [Math.fround(0.1)] }]).startsWith(`{"model":"m","embeddings":[[0.1]]`), true);
});

Deno.test("fewer dimensions are the first ones, of length one again", () => {
  const data = [{ embedding: [0.6, 0.8, 5, 5] }, { embedding: [0, 0, 1, 0] }];
  deepEqual(JSON.parse(textOf(data, { dimensions: 2 })).embeddings, [[0.6, 0.8], [0, 0]]);
  const [[first, second]] = JSON.parse(textOf([{ embedding: [3, 4, 9] }], { dimensions: 2 })).embeddings;
  deepEqual([first, second], [0.6, 0.8]);
});

Deno.test("as many dimensions as there are, or more, leave the vector as it is", () => {
  for (const dimensions of [2, 3]) {
    deepEqual(JSON.parse(textOf([{ embedding: [3, 4] }], { dimensions })).embeddings, [[3, 4]]);
  }
});

Deno.test("the older form is one vector, as the model gave it", () => {
  equal(
    textOf([{ embedding: [0.10000000149011612, 3] }], { isLegacy: true }),
    `{"embedding":[0.10000000149011612,3]}`,
  );
});

Deno.test("a vector for each text, or none", () => {
  throws(() => textOf([{ embedding: [1] }], { count: 2 }), SyntaxError);
  throws(() => textOf([{ embedding: [1, null] }]), SyntaxError);
  for (const body of ["", "[]", "null", `{"data":5}`, `{"data":[{"embedding":"AAAA"}]}`]) {
    throws(() => ollamaEmbedding(new TextEncoder().encode(body), FORM, times), SyntaxError);
  }
});
