import { deepEqual, equal, match, notEqual, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { GatewayError } from "../../../lib/errors.ts";
import { GgufSyntaxError, GgufTruncatedError } from "../../../lib/gguf/errors.ts";
import { buildTinyModel } from "../../../lib/gguf/tiny_model.ts";
import { type GgufInput, text, u32, writeGguf } from "../../../lib/gguf/writer.ts";
import { openGguf } from "../../../lib/store/gguf_file.ts";
import { GgufHeaderCache } from "../../../lib/store/gguf_header_cache.ts";
import { buildLargeHeader } from "../../fixtures/large_header.ts";

const TINY = { layers: 2, embeddingLength: 32 };

/** Runs a test in a folder of its own. */
function testInFolder(name: string, run: (folder: string) => Promise<void>): void {
  Deno.test(name, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await run(folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

async function write(folder: string, name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await Deno.writeFile(path, bytes);
  return path;
}

async function refusal(path: string): Promise<GatewayError> {
  const error = await openGguf(path).then(() => undefined, (thrown) => thrown);
  ok(error instanceof GatewayError, `not refused: ${error}`);
  ok(!(error.cause instanceof GatewayError), "wrapped twice");
  return error;
}

testInFolder("openGguf() describes a model in one file", async (folder) => {
  const bytes = buildTinyModel(TINY);
  const path = await write(folder, "tiny.gguf", bytes);
  const file = await openGguf(path);
  equal(file.path, path);
  deepEqual(file.shardPaths, [path]);
  equal(file.sizeBytes, bytes.length);
  equal(file.model.blockCount, 2);
  equal(file.header.tensors.length, 3 + 2 * 9);
});

testInFolder("openGguf() reads nothing but the header of a file of 37 GiB", async (folder) => {
  const { bytes, fileBytes } = buildLargeHeader();
  const path = await write(folder, "large.gguf", bytes);
  await Deno.truncate(path, fileBytes); // sparse
  const file = await openGguf(path);
  equal(file.sizeBytes, fileBytes);
  equal(file.model.parameterCount, 70_553_706_560);
});

for (
  const { name, bytes, says, cause } of [
    {
      name: "truncated data",
      bytes: buildTinyModel(TINY).slice(0, -100),
      says: /is truncated: has \d+ of at least \d+ bytes; download it again/,
      cause: GgufTruncatedError,
    },
    {
      name: "a Git LFS pointer",
      bytes: new TextEncoder().encode("version https://git-lfs.github.com/spec/v1\n"),
      says: /is a Git LFS pointer.*; run "git lfs pull"/,
      cause: GgufSyntaxError,
    },
    {
      name: "a model without an architecture",
      bytes: writeGguf({ metadata: [], tensors: [] }),
      says: /"general.architecture" is missing; download or convert it again/,
      cause: GgufSyntaxError,
    },
    {
      name: "split keys that contradict each other",
      bytes: writeGguf({ metadata: [["split.count", u32(2)], ["split.no", u32(2)]], tensors: [] }),
      says: /split.no is 2, expected 0 to 1 \(at byte \d+\);/,
      cause: GgufSyntaxError,
    },
  ]
) {
  testInFolder(`openGguf() says which file is unusable and why: ${name}`, async (folder) => {
    const path = await write(folder, "model.gguf", bytes);
    const error = await refusal(path);
    equal(error.code, "model_unusable");
    ok(error.message.startsWith(`Cannot use "${path}": it`), error.message);
    match(error.message, says);
    ok(error.cause instanceof cause);
  });
}

testInFolder("openGguf() says that there is no such file, or that it is none", async (folder) => {
  const missing = await refusal(join(folder, "absent.gguf"));
  equal(missing.code, "model_not_found");
  match(missing.message, /absent\.gguf": there is no such file/);
  const directory = await refusal(folder);
  equal(directory.code, "model_unusable");
  match(directory.message, /is a directory; name a file/);
});

Deno.test("openGguf() does not wait for whoever writes to a pipe", async () => {
  match((await refusal("/dev/null")).message, /is a device; name a file/);
});

Deno.test({
  name: "openGguf() says that it may not read the file",
  permissions: { read: false },
  async fn() {
    const error = await refusal("/models/tiny.gguf");
    equal(error.code, "model_unusable");
    match(error.message, /permission denied; let the user that runs sollol read it/);
  },
});

testInFolder("openGguf() stops with the signal's reason", async (folder) => {
  const path = await write(folder, "tiny.gguf", buildTinyModel(TINY));
  const reason = new Error("left");
  await rejects(openGguf(path, { signal: AbortSignal.abort(reason) }), (error) => error === reason);
});

/** What to write otherwise than gguf-split does. */
interface ShardChanges {
  count?: number;
  no?: number;
  tensorCount?: number;
}

/** One of three shards of a model with a layer each; only the first has the model's keys. */
function shardBytes(
  index: number,
  { count = 3, no = index, tensorCount = 4 }: ShardChanges = {},
): Uint8Array {
  const split: [string, GgufInput][] = [
    ["split.no", { type: "uint16", value: no }],
    ["split.count", { type: "uint16", value: count }],
    ["split.tensors.count", { type: "int32", value: tensorCount }],
  ];
  const model: [string, GgufInput][] = [
    ["general.architecture", text("llama")],
    ["llama.block_count", u32(3)],
    ["llama.context_length", u32(512)],
    ["llama.embedding_length", u32(32)],
  ];
  const tensor = (name: string) => ({ name, dims: [32], type: "F32", data: new Uint8Array(128) });
  return writeGguf({
    metadata: index === 0 ? [...model, ...split] : split,
    tensors: [tensor(`blk.${index}.attn_norm.weight`), ...(index === 0 ? [tensor("token_embd.weight")] : [])],
  });
}

const shardName = (index: number): string => `big-0000${index + 1}-of-00003.gguf`;

async function writeShards(folder: string, changes: Record<number, ShardChanges> = {}): Promise<string[]> {
  const indexes = [0, 1, 2];
  return await Promise.all(
    indexes.map((index) => write(folder, shardName(index), shardBytes(index, changes[index]))),
  );
}

for (const index of [0, 1, 2]) {
  testInFolder(`openGguf() finds all shards of a split model from shard ${index + 1}`, async (folder) => {
    const paths = await writeShards(folder);
    const file = await openGguf(paths[index]!);
    equal(file.path, paths[0]);
    deepEqual(file.shardPaths, paths);
    deepEqual(file.model.weights.perLayerBytes, [128, 128, 128]);
    equal(file.model.weights.inputBytes, 128);
    const sizes = await Promise.all(paths.map(async (path) => (await Deno.stat(path)).size));
    equal(file.sizeBytes, sizes.reduce((sum, size) => sum + size));
    deepEqual(file.model.split, { index: 0, count: 3, tensorCount: 4 });
  });
}

testInFolder("openGguf() names the shard that is missing", async (folder) => {
  const paths = await writeShards(folder);
  await Deno.remove(paths[2]!);
  const error = await refusal(paths[0]!);
  equal(error.code, "model_unusable");
  ok(error.message.startsWith(`Cannot use "${paths[2]}": it is shard 3 of 3 and missing`), error.message);
});

testInFolder("openGguf() names the shard that is truncated", async (folder) => {
  const paths = await writeShards(folder);
  await Deno.truncate(paths[1]!, 100);
  const error = await refusal(paths[0]!);
  ok(error.message.startsWith(`Cannot use "${paths[1]}": it is truncated`), error.message);
});

for (
  const { name, changes, says } of [
    {
      name: "of another split",
      changes: { 1: { count: 4 } },
      says: /00002-of-00003\.gguf": it is shard 2 of 4 .*, expected shard 2 of 3/,
    },
    {
      name: "that is another shard than its name says",
      changes: { 2: { no: 1 } },
      says: /00003-of-00003\.gguf": it is shard 2 of 3 .*, expected shard 3 of 3/,
    },
    {
      name: "that is no shard",
      changes: { 1: { count: 0 } },
      says: /00002-of-00003\.gguf": it is no shard, expected shard 2 of 3/,
    },
    {
      name: "of another model",
      changes: { 1: { tensorCount: 9 } },
      says: /it is shard 2 of 3 with 9 tensors, expected shard 2 of 3 with 4 tensors/,
    },
  ]
) {
  testInFolder(`openGguf() refuses a shard ${name}`, async (folder) => {
    const [first] = await writeShards(folder, changes);
    match((await refusal(first!)).message, says);
  });
}

testInFolder("openGguf() refuses shards that do not hold all tensors together", async (folder) => {
  const tooMany = { tensorCount: 5 };
  const [first] = await writeShards(folder, { 0: tooMany, 1: tooMany, 2: tooMany });
  match((await refusal(first!)).message, /its 3 shards hold 4 tensors, expected 5/);
});

testInFolder("openGguf() says how a shard that was renamed has to be named", async (folder) => {
  const path = await write(folder, "renamed.gguf", shardBytes(1));
  match((await refusal(path)).message, /shard 2 of 3, but not named "<name>-00002-of-00003\.gguf"/);
});

testInFolder("openGguf() reads an unchanged file once, under whatever name", async (folder) => {
  const cache = new GgufHeaderCache();
  const path = await write(folder, "tiny.gguf", buildTinyModel(TINY));
  const link = join(folder, "link.gguf");
  await Deno.symlink(path, link);
  const { header } = await openGguf(path, { cache });
  equal((await openGguf(link, { cache })).header, header);
  notEqual((await openGguf(path)).header, header);
});

testInFolder("openGguf() reads a file again that was written anew", async (folder) => {
  const cache = new GgufHeaderCache();
  const path = await write(folder, "tiny.gguf", buildTinyModel({ ...TINY, name: "old" }));
  await openGguf(path, { cache });
  await write(folder, "tiny.gguf", buildTinyModel({ ...TINY, name: "new" }));
  await Deno.utime(path, 1, 1); // the size is the same, and the clock may be coarse
  equal((await openGguf(path, { cache })).model.name, "new");
});

testInFolder("GgufHeaderCache forgets the header that was not asked for longest", async (folder) => {
  const cache = new GgufHeaderCache(2);
  const open = async (name: string) => (await openGguf(join(folder, name), { cache })).header;
  for (const name of ["a", "b", "c"]) await write(folder, name, buildTinyModel({ ...TINY, name }));
  const [a, b] = [await open("a"), await open("b")];
  equal(await open("a"), a);
  await open("c");
  equal(await open("a"), a);
  notEqual(await open("b"), b);
});
