import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { GgufSyntaxError, GgufTruncatedError } from "../../../lib/gguf/errors.ts";
import { type GgufHeader, readGgufHeader } from "../../../lib/gguf/header.ts";
import { bytesSource } from "../../../lib/gguf/source.ts";
import { text, u32, writeGguf } from "../../../lib/gguf/writer.ts";
import { buildLargeHeader, sparseSource } from "../../fixtures/large_header.ts";
import { rawGguf, writeTensor, writeU32Entry } from "../../fixtures/raw_gguf.ts";

const read = (bytes: Uint8Array): Promise<GgufHeader> => readGgufHeader(bytesSource(bytes));
const ascii = (value: string): Uint8Array => Uint8Array.from(value, (letter) => letter.charCodeAt(0));

const f32Tensor = (name: string, length: number) => {
  return { name, dims: [length], type: "F32", data: new Uint8Array(length * 4) };
};

for (const version of [2, 3] as const) {
  Deno.test(`readGgufHeader() reads version ${version}`, async () => {
    const bytes = writeGguf({
      version,
      alignment: 64,
      metadata: [["general.architecture", text("llama")], ["a.number", u32(7)]],
      tensors: [f32Tensor("one", 3), { name: "two", dims: [32, 2], type: "Q4_0", data: new Uint8Array(36) }],
    });
    const header = await read(bytes);
    equal(header.version, version);
    equal(header.alignment, 64);
    equal(header.dataOffset % 64, 0);
    deepEqual([...header.metadata.keys()], ["general.architecture", "a.number", "general.alignment"]);
    deepEqual(
      header.tensors.map((
        { name, dims, type, offset, sizeBytes },
      ) => [name, dims, type.name, offset, sizeBytes]),
      [["one", [3], "F32", 0, 12], ["two", [32, 2], "Q4_0", 64, 36]],
    );
    deepEqual(header.warnings, []);
  });
}

Deno.test("readGgufHeader() reads a file without tensors, as vocabularies have none", async () => {
  const bytes = writeGguf({ metadata: [["general.architecture", text("llama")]], tensors: [] });
  const header = await read(bytes);
  deepEqual(header.tensors, []);
});

for (
  const { name, bytes, says, advice } of [
    { name: "an empty file", bytes: ascii(""), says: /^it is empty$/, advice: /download/ },
    { name: "a stub of three bytes", bytes: ascii("GGU"), says: /begins with "GGU"/, advice: /download/ },
    {
      name: "a Git LFS pointer",
      bytes: ascii("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"),
      says: /Git LFS pointer/,
      advice: /git lfs pull/,
    },
    {
      name: "an HTML page",
      bytes: ascii("\n <!DOCTYPE html><title>401"),
      says: /HTML page/,
      advice: /token/,
    },
    { name: "a zip archive", bytes: ascii("PK\x03\x04rest"), says: /PyTorch/, advice: /convert_hf_to_gguf/ },
    {
      name: "safetensors",
      bytes: ascii(`\x80\x02\0\0\0\0\0\0{"__metadata__":{}}`),
      says: /safetensors/,
      advice: /convert_hf_to_gguf/,
    },
    ...["ggml", "ggmf", "ggjt", "ggla"].map((magic) => ({
      name: `a ${magic} file`,
      bytes: ascii([...magic].toReversed().join("") + "\x01\0\0\0"),
      says: /GGML format from before August 2023/,
      advice: /as GGUF/,
    })),
    {
      name: "noise",
      bytes: ascii("\x01\x02\x03\x04noise"),
      says: /it begins with ".*", not with "GGUF"/,
      advice: /download/,
    },
    { name: "version 0", bytes: rawGguf({ version: 0 }), says: /version 0/, advice: /version 2 or 3/ },
    { name: "version 1", bytes: rawGguf({ version: 1 }), says: /version 1, which/, advice: /version 2 or 3/ },
    { name: "version 4", bytes: rawGguf({ version: 4 }), says: /version 4; 2 and 3/, advice: /newer/ },
    {
      name: "big-endian",
      bytes: rawGguf({ version: 0x0300_0000 }),
      says: /big-endian GGUF \(version 3\)/,
      advice: /gguf_convert_endian/,
    },
  ]
) {
  Deno.test(`readGgufHeader() names ${name} and says what to do`, async () => {
    const error = await refusal(bytes);
    match(error.message, says);
    match(error.advice, advice);
  });
}

const withAlignment = (write: (writer: Parameters<typeof writeU32Entry>[0]) => void) => {
  return rawGguf({ entryCount: 1 }, write);
};

for (
  const { name, bytes, says } of [
    {
      name: "a negative tensor count",
      bytes: rawGguf({ tensorCount: 2n ** 64n - 1n }),
      says: /tensor count/,
    },
    {
      name: "a million and one tensors",
      bytes: rawGguf({ tensorCount: 1_048_577 }),
      says: /at most 1048576/,
    },
    { name: "65537 entries", bytes: rawGguf({ entryCount: 65_537 }), says: /at most 65536/ },
    ...[0, 4, 7, 24, 2 ** 21].map((alignment) => ({
      name: `an alignment of ${alignment}`,
      bytes: withAlignment((writer) => writeU32Entry(writer, "general.alignment", alignment)),
      says: new RegExp(`its alignment is ${alignment}, expected a uint32 power of two`),
    })),
    {
      name: "an alignment that is no uint32",
      bytes: writeGguf({ metadata: [["general.alignment", { type: "uint64", value: 64 }]], tensors: [] }),
      says: /its alignment is 64, expected a uint32/,
    },
    {
      name: "an alignment that is a string",
      bytes: writeGguf({ metadata: [["general.alignment", text("32")]], tensors: [] }),
      says: /"general.alignment" is string/,
    },
  ]
) {
  Deno.test(`readGgufHeader() refuses ${name}`, async () => match((await refusal(bytes)).message, says));
}

Deno.test("readGgufHeader() tells how much of a truncated file is there", async () => {
  const whole = writeGguf({ metadata: [], tensors: [f32Tensor("a", 8), f32Tensor("b", 8)] });
  const error = await refusal(whole.subarray(0, whole.length - 1));
  ok(error instanceof GgufTruncatedError);
  equal(error.sizeBytes, whole.length - 1);
  equal(error.needBytes, whole.length);
});

Deno.test("readGgufHeader() calls every file that ends within its header truncated", async () => {
  const whole = writeGguf({
    metadata: [["general.architecture", text("llama")], ["list", { type: "strings", values: ["a", "b"] }]],
    tensors: [f32Tensor("a", 8)],
  });
  for (let length = 4; length < whole.length; length++) {
    const error = await refusal(whole.subarray(0, length));
    ok(error instanceof GgufTruncatedError, `at ${length}: ${error.message}`);
    ok(error.needBytes > length && error.needBytes <= whole.length, `at ${length}: needs ${error.needBytes}`);
  }
});

Deno.test("readGgufHeader() accepts a file without the padding after its last tensor", async () => {
  const whole = writeGguf({ metadata: [], tensors: [f32Tensor("a", 3)] });
  await read(whole.subarray(0, whole.length - 20));
  await rejects(read(whole.subarray(0, whole.length - 21)), GgufTruncatedError);
});

Deno.test("readGgufHeader() warns of tensors with gaps between them, naming the first", async () => {
  const bytes = rawGguf({ tensorCount: 3 }, (writer) => {
    writeTensor(writer, { name: "first", offset: 0 });
    writeTensor(writer, { name: "far", offset: 96 });
    writeTensor(writer, { name: "next", offset: 128 });
    writer.append(new Uint8Array(512));
  });
  const { warnings } = await read(bytes);
  equal(warnings.length, 1);
  match(warnings[0]!, /^1 of 3 tensors .*"far"/);
});

Deno.test("readGgufHeader() reads Ollama's gptoss, and warns that only Ollama runs it", async () => {
  const bytes = rawGguf({ entryCount: 1, tensorCount: 1 }, (writer) => {
    writer.string("general.architecture");
    writer.u32(8);
    writer.string("gptoss");
    writeTensor(writer, { dims: [32], typeId: 4 });
    writer.append(new Uint8Array(128));
  });
  const { tensors, warnings } = await read(bytes);
  equal(tensors[0]!.type.name, "MXFP4");
  equal(tensors[0]!.sizeBytes, 17);
  match(warnings[0]!, /only Ollama/);
});

Deno.test("readGgufHeader() gives the same for windows of any size", async () => {
  const { bytes, fileBytes } = buildLargeHeader({ layers: 2, vocabularySize: 300, merges: 300 });
  const source = sparseSource(bytes, fileBytes);
  const whole = await readGgufHeader(source);
  for (const windowBytes of [1, 7, 24, 333, 4096]) {
    const header = await readGgufHeader(source, { windowBytes });
    deepEqual(header.tensors, whole.tensors);
    deepEqual(entriesOf(header), entriesOf(whole));
  }
});

Deno.test("readGgufHeader() reads a 70B header without holding its vocabulary", async () => {
  const { bytes, fileBytes } = buildLargeHeader();
  let readBytes = 0;
  let largestWindowBytes = 0;
  const source = sparseSource(bytes, fileBytes);
  const { tensors, metadata } = await readGgufHeader({
    ...source,
    read(offset, into) {
      readBytes += into.byteLength;
      largestWindowBytes = Math.max(largestWindowBytes, into.buffer.byteLength);
      return source.read(offset, into);
    },
  });
  equal(tensors.length, 724);
  equal(metadata.arrayLength("tokenizer.ggml.merges"), 280_147);
  ok(largestWindowBytes <= 1024 ** 2, `held ${largestWindowBytes} bytes at once`);
  ok(readBytes < bytes.length + 1024 ** 2, `read ${readBytes} bytes`);
});

Deno.test("readGgufHeader() stops with the signal's reason", async () => {
  const reason = new Error("left");
  const controller = new AbortController();
  const { bytes, fileBytes } = buildLargeHeader({ layers: 2, vocabularySize: 300, merges: 300 });
  const source = sparseSource(bytes, fileBytes);
  const aborting = {
    ...source,
    read: (offset: number, into: Uint8Array) => {
      if (offset > 2000) controller.abort(reason);
      return source.read(offset, into);
    },
  };
  const reading = readGgufHeader(aborting, { signal: controller.signal, windowBytes: 512 });
  await rejects(reading, (error) => error === reason);
});

async function refusal(bytes: Uint8Array): Promise<GgufSyntaxError> {
  const error = await read(bytes).then(() => undefined, (thrown) => thrown);
  ok(error instanceof GgufSyntaxError, `not refused: ${error}`);
  ok(error.offset >= 0 && error.offset <= bytes.length, `offset ${error.offset} is outside`);
  return error;
}

function entriesOf({ metadata }: GgufHeader): unknown[] {
  return [...metadata.keys()].map((key) => [key, metadata.get(key)]);
}
