import { deepEqual, equal, throws } from "node:assert/strict";
import { GgufSyntaxError } from "../../../lib/gguf/errors.ts";
import { GgufMetadata, type GgufValue } from "../../../lib/gguf/metadata.ts";

const array = (numbers: number[] | undefined, count: number): GgufValue => ({
  type: "array",
  offset: 50,
  value: { of: numbers ? "int32" : "string", count, startOffset: 62, endOffset: 99, numbers },
});

const metadata = new GgufMetadata(
  new Map<string, GgufValue>([
    ["text", { type: "string", offset: 10, value: "hello" }],
    ["whole", { type: "uint32", offset: 20, value: 7 }],
    ["huge", { type: "uint64", offset: 30, value: 2n ** 60n }],
    ["flag", { type: "bool", offset: 40, value: 1 }],
    ["numbers", array([1, 2], 2)],
    ["tokens", array(undefined, 128_256)],
  ]),
);

Deno.test("GgufMetadata getters give the value of a key of their type", () => {
  equal(metadata.string("text"), "hello");
  equal(metadata.number("whole"), 7);
  equal(metadata.bool("flag"), true);
  deepEqual(metadata.numberArray("numbers"), [1, 2]);
  equal(metadata.arrayLength("tokens"), 128_256);
  equal(metadata.size, 6);
});

for (const getter of ["string", "number", "bool", "numberArray", "arrayLength"] as const) {
  Deno.test(`GgufMetadata.${getter}() tells a missing key from one of another type`, () => {
    equal(metadata[getter]("missing"), undefined);
    const other = getter === "string" ? "flag" : "text";
    throws(() => metadata[getter](other), (error) => {
      return error instanceof GgufSyntaxError && error.offset === metadata.offsetOf(other) &&
        error.message.includes(`"${other}" is `);
    });
  });
}

Deno.test("GgufMetadata.number() refuses what a number cannot hold, naming it", () => {
  throws(
    () => metadata.number("huge"),
    /"huge" is uint64 1152921504606846976, expected a number below 2\^53/,
  );
  throws(() => metadata.number("flag"), /"flag" is bool/);
});

Deno.test("GgufMetadata.numberArray() refuses arrays whose elements were not kept", () => {
  throws(() => metadata.numberArray("tokens"), /"tokens" is an array of 128256 × string/);
});
