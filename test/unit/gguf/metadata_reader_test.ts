import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import type { ByteWriter } from "../../../lib/gguf/byte_writer.ts";
import { GgufSyntaxError, GgufTruncatedError } from "../../../lib/gguf/errors.ts";
import { readGgufHeader } from "../../../lib/gguf/header.ts";
import type { GgufMetadata } from "../../../lib/gguf/metadata.ts";
import { bytesSource } from "../../../lib/gguf/source.ts";
import { text, writeGguf } from "../../../lib/gguf/writer.ts";
import { sparseSource } from "../../fixtures/large_header.ts";
import { rawGguf, writeArrayHead, writeStringHead, writeU32Entry } from "../../fixtures/raw_gguf.ts";

const MIB = 1024 ** 2;

async function read(bytes: Uint8Array): Promise<GgufMetadata> {
  return (await readGgufHeader(bytesSource(bytes))).metadata;
}

Deno.test("readMetadata() reads every scalar type at its limits", async () => {
  const cases = [
    ["uint8", 255],
    ["int8", -128],
    ["uint16", 65_535],
    ["int16", -32_768],
    ["uint32", 4_294_967_295],
    ["int32", -2_147_483_648],
    ["float32", 0.5],
    ["bool", 1],
    ["uint64", 2 ** 53 - 1],
    ["int64", -(2 ** 53 - 1)],
    ["float64", 0.1],
    ["uint64", 2n ** 64n - 1n],
    ["int64", -(2n ** 63n)],
  ] as const;
  const metadata = await read(writeGguf({
    metadata: cases.map(([type, value], index) => [`k${index}`, { type, value }]),
    tensors: [],
  }));
  const found = cases.map((_, index) => metadata.get(`k${index}`)).map((
    entry,
  ) => [entry?.type, entry?.value]);
  deepEqual(found, cases);
});

Deno.test("readMetadata() takes any byte but 0 for true", async () => {
  const bytes = rawGguf({ entryCount: 1 }, (writer) => {
    writer.string("flag");
    writer.u32(7);
    writer.append(Uint8Array.of(0x80));
  });
  equal((await read(bytes)).bool("flag"), true);
});

Deno.test("readMetadata() keeps short arrays, and of long ones and texts where they lie", async () => {
  const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);
  const bytes = writeGguf({
    metadata: [
      ["short", { type: "array", of: "uint16", values: numbers(4096) }],
      ["long", { type: "array", of: "uint16", values: numbers(4097) }],
      ["texts", { type: "strings", values: ["", "two", "drei"] }],
      ["flags", { type: "array", of: "bool", values: [1, 0, 1] }],
    ],
    tensors: [],
  });
  const metadata = await read(bytes);
  deepEqual(metadata.numberArray("short"), numbers(4096));
  deepEqual(metadata.numberArray("flags"), [1, 0, 1]);
  deepEqual(["short", "long", "texts"].map((key) => metadata.arrayLength(key)), [4096, 4097, 3]);
  const texts = metadata.get("texts");
  ok(texts?.type === "array");
  equal(texts.value.endOffset - texts.value.startOffset, 3 * 8 + 3 + 4);
});

Deno.test("readMetadata() takes invalid UTF-8, and tells damaged keys apart by their bytes", async () => {
  const key = (writer: ByteWriter, byte: number) => {
    writer.u64(1);
    writer.append(Uint8Array.of(byte));
    writer.u32(0);
    writer.append(Uint8Array.of(1));
  };
  const distinct = rawGguf({ entryCount: 2 }, (writer) => (key(writer, 0xfe), key(writer, 0xff)));
  equal((await read(distinct)).has("\uFFFD"), true);
  const same = rawGguf({ entryCount: 2 }, (writer) => (key(writer, 0xff), key(writer, 0xff)));
  await rejects(read(same), /appears twice/);
});

const entry = (write: (writer: ByteWriter) => void) => {
  return rawGguf({ entryCount: 1 }, (writer) => (write(writer), writer.append(new Uint8Array(64))));
};

for (
  const { name, bytes, says } of [
    { name: "an empty key", bytes: entry((w) => writeU32Entry(w, "", 1)), says: /a metadata key is empty/ },
    {
      name: "a key of 65536 bytes",
      bytes: entry((w) => writeU32Entry(w, "k".repeat(65_536), 1)),
      says: /length of a metadata key is 65536, at most 65535/,
    },
    {
      name: "a key that appears twice",
      bytes: writeGguf({ metadata: [["k", text("1")], ["k", text("2")]], tensors: [] }),
      says: /"k" appears twice/,
    },
    {
      name: "value type 13",
      bytes: entry((w) => (w.string("k"), w.u32(13))),
      says: /"k" has value type 13, which cannot be read/,
    },
    { name: "element type 13", bytes: entry((w) => writeArrayHead(w, "k", 13, 1)), says: /value type 13/ },
    {
      name: "an array of arrays",
      bytes: entry((w) => writeArrayHead(w, "k", 9, 1)),
      says: /array of arrays/,
    },
    {
      name: "an array of 64 Mi + 1 elements",
      bytes: entry((w) => writeArrayHead(w, "k", 0, 64 * MIB + 1)),
      says: /element count of "k" is 67108865, at most 67108864/,
    },
    {
      name: "a text of 16 MiB + 1",
      bytes: entry((w) => writeStringHead(w, "k", 16 * MIB + 1)),
      says: /length of "k" is 16777217, at most 16777216/,
    },
    {
      name: "a string of 16 MiB + 1 in an array",
      bytes: entry((w) => (writeArrayHead(w, "k", 8, 1), w.u64(16 * MIB + 1))),
      says: /length of a string in "k" is 16777217/,
    },
  ]
) {
  Deno.test(`readMetadata() refuses ${name}`, async () => {
    await rejects(read(bytes), (error) => {
      ok(error instanceof GgufSyntaxError);
      match(error.message, says);
      return true;
    });
  });
}

for (
  const { name, write } of [
    { name: "numbers", write: (w: ByteWriter) => writeArrayHead(w, "k", 10, 4096) },
    { name: "many numbers", write: (w: ByteWriter) => writeArrayHead(w, "k", 0, 60 * MIB) },
    { name: "strings", write: (w: ByteWriter) => writeArrayHead(w, "k", 8, 64 * MIB) },
    { name: "a text", write: (w: ByteWriter) => writeStringHead(w, "k", 16 * MIB) },
  ]
) {
  Deno.test(`readMetadata() allocates nothing for ${name} that the file is too short for`, async () => {
    let largestBytes = 0;
    const source = bytesSource(entry(write));
    const watched = {
      ...source,
      read: (offset: number, into: Uint8Array) => {
        largestBytes = Math.max(largestBytes, into.buffer.byteLength);
        return source.read(offset, into);
      },
    };
    await rejects(readGgufHeader(watched), GgufTruncatedError);
    ok(largestBytes <= source.sizeBytes, `allocated ${largestBytes} for a file of ${source.sizeBytes} bytes`);
  });
}

Deno.test("readMetadata() refuses to keep more than 32 MiB of texts", async () => {
  const head = rawGguf({ entryCount: 2 }, (writer) => {
    writeStringHead(writer, "a", 9 * MIB);
    writer.append(new Uint8Array(9 * MIB));
    writeStringHead(writer, "b", 9 * MIB);
  });
  await rejects(readGgufHeader(sparseSource(head, head.length + 9 * MIB)), /take more than 33554432 bytes/);
});

Deno.test("readMetadata() stops after 512 MiB of header, whatever the file says", async () => {
  const head = rawGguf({ entryCount: 2 }, (writer) => writeArrayHead(writer, "k", 10, 64 * MIB));
  await rejects(readGgufHeader(sparseSource(head, 600 * MIB)), /its header is longer than 536870912 bytes/);
});
