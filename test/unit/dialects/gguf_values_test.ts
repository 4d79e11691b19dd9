import { deepEqual } from "node:assert/strict";
import { shownMetadata } from "../../../lib/dialects/gguf_values.ts";
import { GgufMetadata, type GgufValue } from "../../../lib/gguf/metadata.ts";

function shown(value: GgufValue, elements?: readonly (string | number | bigint)[]): unknown {
  const metadata = new GgufMetadata(new Map([["key", value]]));
  return shownMetadata(metadata, new Map(elements ? [["key", elements]] : [])).get("key");
}

const array = (of: "string" | "float32" | "bool" | "int32", count: number): GgufValue => ({
  type: "array",
  offset: 0,
  value: { of, count, startOffset: 0, endOffset: 0, numbers: undefined },
});

for (
  const { name, value, elements, want } of [
    { name: "a text", value: { type: "string", offset: 0, value: "llama" }, want: "llama" },
    { name: "a bool", value: { type: "bool", offset: 0, value: 1 }, want: true },
    { name: "no", value: { type: "bool", offset: 0, value: 0 }, want: false },
    {
      name: "a small number of 32 bits",
      value: { type: "float32", offset: 0, value: Math.fround(1e-5) },
      want: 1e-5,
    },
    {
      name: "a third of 32 bits",
      value: { type: "float32", offset: 0, value: Math.fround(1 / 3) },
      want: 0.33333334,
    },
    { name: "a third of 64 bits", value: { type: "float64", offset: 0, value: 1 / 3 }, want: 1 / 3 },
    { name: "what is no number", value: { type: "float32", offset: 0, value: NaN }, want: null },
    { name: "a huge number", value: { type: "uint64", offset: 0, value: 2n ** 63n }, want: 2 ** 63 },
    { name: "an array that was not read", value: array("string", 3), want: null },
    { name: "an empty array", value: array("string", 0), want: [] },
    { name: "an array of texts", value: array("string", 2), elements: ["a", "b"], want: ["a", "b"] },
    { name: "an array of bools", value: array("bool", 2), elements: [0, 1], want: [false, true] },
    {
      name: "an array of short decimals",
      value: array("float32", 1),
      elements: [Math.fround(0.1)],
      want: [0.1],
    },
  ] as { name: string; value: GgufValue; elements?: (string | number)[]; want: unknown }[]
) {
  Deno.test(`${name} in a GGUF is shown as Ollama does`, () => deepEqual(shown(value, elements), want));
}
