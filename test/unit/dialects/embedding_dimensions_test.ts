import { deepEqual, equal, throws } from "node:assert/strict";
import { withDimensions } from "../../../lib/dialects/embedding_dimensions.ts";

const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const shortened = (embedding: unknown, dimensions: number) =>
  JSON.parse(
    new TextDecoder().decode(withDimensions(encode({ data: [{ embedding, index: 0 }], x: 1 }), dimensions)),
  );

function base64(...numbers: number[]): string {
  return new Uint8Array(Float32Array.from(numbers).buffer).toBase64();
}

for (
  const { name, embedding, dimensions, want } of [
    {
      name: "a longer one is cut, and of length 1 again",
      embedding: [3, 4, 5],
      dimensions: 2,
      want: [0.6, 0.8],
    },
    { name: "as long a one stays as it is", embedding: [3, 4], dimensions: 2, want: [3, 4] },
    { name: "a shorter one stays as it is", embedding: [3], dimensions: 2, want: [3] },
    { name: "nothing is divided by nothing", embedding: [0, 0, 1], dimensions: 2, want: [0, 0] },
    { name: "base64 is cut, too", embedding: base64(-3, 0, 4), dimensions: 1, want: base64(-1) },
    { name: "short base64 stays", embedding: base64(3, 4), dimensions: 2, want: base64(3, 4) },
  ]
) {
  Deno.test(`embeddings: ${name}`, () => {
    deepEqual(shortened(embedding, dimensions), { data: [{ embedding: want, index: 0 }], x: 1 });
  });
}

Deno.test("embeddings of a model with many dimensions are cut without the stack", () => {
  equal(shortened(Array.from({ length: 300_000 }, () => 1), 200_000).data[0].embedding.length, 200_000);
});

for (
  const data of [undefined, {}, [null], [{ embedding: "?" }], [{ embedding: "AAA=" }], [{ embedding: ["1"] }]]
) {
  Deno.test(`embeddings that are none are not understood: ${JSON.stringify(data)}`, () => {
    throws(() => withDimensions(encode({ data }), 2), SyntaxError);
  });
}
