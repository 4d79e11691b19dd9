import { deepEqual, equal, throws } from "node:assert/strict";
import { readGgufHeader } from "../../../lib/gguf/header.ts";
import { bytesSource } from "../../../lib/gguf/source.ts";
import { f32, text, writeGguf, writeGgufHeader } from "../../../lib/gguf/writer.ts";

Deno.test("writeGguf() writes what the specification says, byte for byte", () => {
  const bytes = writeGguf({
    metadata: [["k", text("é")]],
    tensors: [{ name: "t", dims: [2], type: "F16", data: Uint8Array.of(1, 2, 3, 4) }],
  });
  const header = [
    ...[0x47, 0x47, 0x55, 0x46, 3, 0, 0, 0],
    ...[1, 0, 0, 0, 0, 0, 0, 0],
    ...[1, 0, 0, 0, 0, 0, 0, 0],
    ...[1, 0, 0, 0, 0, 0, 0, 0, 0x6b, 8, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0xc3, 0xa9],
    ...[1, 0, 0, 0, 0, 0, 0, 0, 0x74, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  ];
  deepEqual([...bytes.subarray(0, header.length)], header);
  equal(header.length, 80);
  deepEqual([...bytes.subarray(96, 100)], [1, 2, 3, 4]);
  equal(bytes.length, 96 + 32);
});

Deno.test("writeGguf() hands each tensor its own place", async () => {
  const fill = (value: number) => (into: Uint8Array<ArrayBuffer>) => void into.fill(value);
  const bytes = writeGguf({
    alignment: 128,
    metadata: [["scale", f32(1)]],
    tensors: [
      { name: "one", dims: [5], type: "I8", data: fill(1) },
      { name: "two", dims: [256], type: "Q6_K", data: fill(2) },
    ],
  });
  const { tensors, dataOffset } = await readGgufHeader(bytesSource(bytes));
  for (const [index, { offset, sizeBytes }] of tensors.entries()) {
    const start = dataOffset + offset;
    deepEqual(bytes.slice(start, start + sizeBytes), new Uint8Array(sizeBytes).fill(index + 1));
    equal(start % 128, 0);
  }
  deepEqual(bytes.slice(dataOffset + 5, dataOffset + 128), new Uint8Array(123));
});

Deno.test("writeGgufHeader() announces the file that writeGguf() writes", () => {
  const content = {
    metadata: [["name", text("n".repeat(10_000))] as const],
    tensors: [{ name: "t", dims: [3, 3], type: "F32", data: new Uint8Array(36).fill(9) }],
  };
  const { bytes, fileBytes, tensorOffsets } = writeGgufHeader(content);
  const file = writeGguf(content);
  equal(fileBytes, file.length);
  deepEqual(file.subarray(0, bytes.length), bytes);
  equal(file[tensorOffsets[0]!], 9);
});

for (
  const { name, tensor, says } of [
    { name: "data of the wrong length", tensor: { dims: [2], type: "F32" }, says: /want 8 bytes, got 4/ },
    {
      name: "a type it does not know",
      tensor: { dims: [1], type: "F12" },
      says: /no tensor type is called F12/,
    },
    { name: "rows of half a block", tensor: { dims: [48], type: "Q4_0" }, says: /48 elements are no whole/ },
  ]
) {
  Deno.test(`writeGguf() refuses ${name}`, () => {
    const tensors = [{ name: "t", ...tensor, data: new Uint8Array(4) }];
    throws(() => writeGguf({ metadata: [], tensors }), (error) => {
      return error instanceof RangeError && says.test(error.message);
    });
  });
}
