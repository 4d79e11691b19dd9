import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { GgufSyntaxError } from "../../../lib/gguf/errors.ts";
import { readGgufHeader } from "../../../lib/gguf/header.ts";
import { bytesSource } from "../../../lib/gguf/source.ts";
import { rawGguf, type RawTensor, writeTensor } from "../../fixtures/raw_gguf.ts";

function withTensors(...tensors: RawTensor[]): Uint8Array {
  return rawGguf({ tensorCount: tensors.length }, (writer) => {
    for (const tensor of tensors) writeTensor(writer, tensor);
    writer.append(new Uint8Array(4096));
  });
}

for (
  const { name, tensors, says } of [
    { name: "an empty name", tensors: [{ name: "" }], says: /a tensor name is empty/ },
    { name: "a name of 64 bytes", tensors: [{ name: "n".repeat(64) }], says: /is 64, at most 63/ },
    { name: "a name that appears twice", tensors: [{}, { offset: 32 }], says: /tensor "t" appears twice/ },
    { name: "5 dimensions", tensors: [{ dimCount: 5 }], says: /has 5 dimensions, at most 4/ },
    { name: "4 billion dimensions", tensors: [{ dimCount: 2 ** 32 - 1 }], says: /at most 4/ },
    { name: "a dimension of 0", tensors: [{ dims: [1, 0] }], says: /a dimension of tensor "t" is 0/ },
    { name: "a dimension beyond 2^48", tensors: [{ dims: [2 ** 48 + 1] }], says: /at most 281474976710656/ },
    {
      name: "a negative dimension",
      tensors: [{ dims: [2n ** 64n - 1n] }],
      says: /a dimension of tensor "t" is/,
    },
    {
      name: "a product beyond 2^53",
      tensors: [{ dims: [2 ** 30, 2 ** 30] }],
      says: /elements, beyond 2\^53/,
    },
    {
      name: "a product that wraps around to 0",
      tensors: [{ dims: [2 ** 32, 2 ** 32, 2 ** 32, 2 ** 32] }],
      says: /beyond 2\^53/,
    },
    { name: "a removed type", tensors: [{ typeId: 4 }], says: /type 4 \(Q4_2\) was removed/ },
    { name: "an unknown type", tensors: [{ typeId: 43 }], says: /type 43 is unknown/ },
    {
      name: "rows that are no whole number of blocks",
      tensors: [{ dims: [48], typeId: 2 }],
      says: /rows of 48 elements, but Q4_0 packs 32 together/,
    },
    { name: "an end beyond 2^53", tensors: [{ dims: [8], offset: 2 ** 53 - 2 }], says: /ends beyond 2\^53/ },
    { name: "data beyond the file", tensors: [{ dims: [2 ** 40] }], says: /truncated/ },
  ]
) {
  Deno.test(`readTensors() refuses ${name}`, async () => {
    await rejects(readGgufHeader(bytesSource(withTensors(...tensors))), (error) => {
      ok(error instanceof GgufSyntaxError);
      match(error.message, says);
      return true;
    });
  });
}

Deno.test("readTensors() takes names of 63 bytes, up to 4 dimensions, and a single element without any", async () => {
  const dims = [[], [2], [2, 3], [2, 3, 2], [2, 3, 2, 2]];
  const names = dims.map((_, index) => String(index).repeat(63));
  const bytes = withTensors(
    ...dims.map((dims, index) => ({ name: names[index]!, dims, offset: [0, 32, 64, 96, 160][index]! })),
  );
  const { tensors, warnings } = await readGgufHeader(bytesSource(bytes));
  deepEqual(tensors.map(({ name }) => name), names);
  deepEqual(tensors.map(({ sizeBytes }) => sizeBytes), [4, 8, 24, 48, 96]);
  equal(warnings.length, 0);
});
