import { deepEqual, equal, throws } from "node:assert/strict";
import { decodeOllamaEmbed, decodeOllamaEmbeddings } from "../../../lib/dialects/ollama_embed_request.ts";
import { GatewayError } from "../../../lib/errors.ts";

const bytesOf = (said: unknown) => new TextEncoder().encode(JSON.stringify(said));

for (
  const { input, texts } of [
    { input: "hello", texts: ["hello"] },
    { input: ["a", "b"], texts: ["a", "b"] },
    { input: [""], texts: [""] },
    { input: "", texts: [] },
    { input: [], texts: [] },
    { input: null, texts: [] },
    { input: undefined, texts: [] },
  ]
) {
  Deno.test(`the input ${JSON.stringify(input)} is ${texts.length} texts`, () => {
    const { texts: read, isUnload, isLegacy } = decodeOllamaEmbed(bytesOf({ model: "m", input }));
    deepEqual([read, isUnload, isLegacy], [texts, false, false]);
    const unload = decodeOllamaEmbed(bytesOf({ model: "m", input, keep_alive: 0 }));
    equal(unload.isUnload, texts.length === 0);
  });
}

Deno.test("what else a request may say is read, and what nobody knows passes", () => {
  const said = {
    model: "m",
    input: "x",
    truncate: false,
    dimensions: 3,
    keep_alive: -1,
    options: {},
    more: 1,
  };
  const { truncate, dimensions, keepAliveMs } = decodeOllamaEmbed(bytesOf(said));
  deepEqual([truncate, dimensions, keepAliveMs], [false, 3, Infinity]);
  const plain = decodeOllamaEmbed(bytesOf({ model: "m", input: "x", dimensions: 0 }));
  deepEqual([plain.truncate, plain.dimensions, plain.keepAliveMs], [true, undefined, undefined]);
});

Deno.test("the older form has one prompt", () => {
  const { texts, isLegacy, truncate } = decodeOllamaEmbeddings(bytesOf({ model: "m", prompt: "hello" }));
  deepEqual([texts, isLegacy, truncate], [["hello"], true, true]);
  for (const prompt of ["", null, undefined]) {
    deepEqual(decodeOllamaEmbeddings(bytesOf({ prompt })).texts, []);
    equal(decodeOllamaEmbeddings(bytesOf({ prompt, keep_alive: "0s" })).isUnload, true);
  }
});

for (
  const { decode, said, field } of [
    { decode: decodeOllamaEmbed, said: { input: 5 }, field: "input" },
    { decode: decodeOllamaEmbed, said: { input: [1, 2] }, field: "input" },
    { decode: decodeOllamaEmbed, said: { input: [["a"]] }, field: "input" },
    { decode: decodeOllamaEmbed, said: { input: {} }, field: "input" },
    { decode: decodeOllamaEmbed, said: { input: "x", dimensions: -1 }, field: "dimensions" },
    { decode: decodeOllamaEmbed, said: { input: "x", dimensions: 1.5 }, field: "dimensions" },
    { decode: decodeOllamaEmbed, said: { input: "x", dimensions: "3" }, field: "dimensions" },
    { decode: decodeOllamaEmbed, said: { input: "x", truncate: "no" }, field: "truncate" },
    { decode: decodeOllamaEmbed, said: { input: "x", model: 5 }, field: "model" },
    { decode: decodeOllamaEmbeddings, said: { prompt: 5 }, field: "prompt" },
    { decode: decodeOllamaEmbeddings, said: { prompt: ["x"] }, field: "prompt" },
  ]
) {
  Deno.test(`${JSON.stringify(said)} is refused, and its field named`, () => {
    throws(() => decode(bytesOf(said)), (error: unknown) => {
      equal(error instanceof GatewayError && error.code, "invalid_request");
      equal((error as GatewayError).field?.startsWith(field), true, (error as GatewayError).field);
      return true;
    });
  });
}
