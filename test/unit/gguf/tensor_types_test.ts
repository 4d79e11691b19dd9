import { equal, match } from "node:assert/strict";
import {
  elementCount,
  rowBytes,
  tensorBytes,
  tensorTypeById,
  tensorTypeByName,
  whyUnusable,
} from "../../../lib/gguf/tensor_types.ts";

/** Bits per weight as llama.cpp's documentation gives them. */
const BITS_PER_WEIGHT = {
  ...{ F32: 32, F16: 16, Q4_0: 4.5, Q4_1: 5, Q5_0: 5.5, Q5_1: 6, Q8_0: 8.5, Q8_1: 9, Q2_K: 2.625 },
  ...{ Q3_K: 3.4375, Q4_K: 4.5, Q5_K: 5.5, Q6_K: 6.5625, Q8_K: 9.125, IQ2_XXS: 2.0625, IQ2_XS: 2.3125 },
  ...{ IQ3_XXS: 3.0625, IQ1_S: 1.5625, IQ4_NL: 4.5, IQ3_S: 3.4375, IQ2_S: 2.5625, IQ4_XS: 4.25, I8: 8 },
  ...{ I16: 16, I32: 32, I64: 64, F64: 64, IQ1_M: 1.75, BF16: 16, TQ1_0: 1.6875, TQ2_0: 2.0625 },
  ...{ MXFP4: 4.25, NVFP4: 4.5, Q1_0: 1.125, Q2_0: 2.25 },
};
const REMOVED_IDS = [4, 5, 31, 32, 33, 36, 37, 38];

Deno.test("tensorTypeById() knows the 35 types that ggml has, each once", () => {
  const known = Array.from({ length: 64 }, (_, id) => tensorTypeById(id)).filter((type) =>
    type !== undefined
  );
  equal(known.map(({ name }) => name).toSorted().join(), Object.keys(BITS_PER_WEIGHT).toSorted().join());
  equal(known.length, 43 - REMOVED_IDS.length);
});

for (const [name, bits] of Object.entries(BITS_PER_WEIGHT)) {
  Deno.test(`${name} takes ${bits} bits a weight`, () => {
    const type = tensorTypeByName(name)!;
    equal(type.blockBytes * 8 / type.blockElements, bits);
    equal(tensorTypeById(type.id), type);
  });
}

Deno.test("tensorTypeById() gives no size for removed and unknown ids, and whyUnusable() says which it is", () => {
  for (const id of REMOVED_IDS) {
    equal(tensorTypeById(id), undefined);
    match(whyUnusable(id).problem, new RegExp(`type ${id} \\(\\w+\\) was removed`));
    match(whyUnusable(id).advice, /convert/);
  }
  equal(tensorTypeById(43), undefined);
  match(whyUnusable(43).problem, /type 43 is unknown/);
  match(whyUnusable(43).advice, /newer sollol/);
});

Deno.test("tensorTypeById() takes id 4 for MXFP4 only in Ollama's gptoss", () => {
  equal(tensorTypeById(4, "gptoss")?.name, "MXFP4");
  equal(tensorTypeById(4, "gpt-oss"), undefined);
  equal(tensorTypeByName("MXFP4")?.id, 39);
});

Deno.test("tensorBytes() and rowBytes() count whole blocks", () => {
  const q4k = tensorTypeByName("Q4_K")!;
  equal(rowBytes(q4k, 8192), 8192 / 256 * 144);
  equal(tensorBytes(q4k, [8192, 1024]), 8192 * 1024 * 4.5 / 8);
  equal(tensorBytes(q4k, [256, 2, 3, 4]), 144 * 24);
  equal(tensorBytes(tensorTypeByName("F32")!, []), 4);
  equal(elementCount([256, 2, 3, 4]), 6144);
});
