import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { GgufSyntaxError } from "../../../lib/gguf/errors.ts";
import { readGgufHeader } from "../../../lib/gguf/header.ts";
import { describeModel, type GgufModel } from "../../../lib/gguf/model_info.ts";
import { bytesSource } from "../../../lib/gguf/source.ts";
import { type GgufInput, type GgufTensorData, text, u32, writeGguf } from "../../../lib/gguf/writer.ts";
import { buildLargeHeader, sparseSource } from "../../fixtures/large_header.ts";

const LLAMA: Record<string, GgufInput> = {
  "general.architecture": text("llama"),
  "llama.block_count": u32(4),
  "llama.context_length": u32(8192),
  "llama.embedding_length": u32(128),
  "llama.attention.head_count": u32(8),
  "llama.attention.head_count_kv": u32(2),
};

const counts = (...values: number[]): GgufInput => ({ type: "array", of: "uint32", values });

/** A llama of four layers with some keys changed; undefined takes one away. */
async function describe(
  changes: Record<string, GgufInput | undefined> = {},
  tensors: GgufTensorData[] = [],
): Promise<GgufModel> {
  const entries = Object.entries({ ...LLAMA, ...changes });
  const metadata = entries.filter((entry): entry is [string, GgufInput] => entry[1] !== undefined);
  return describeModel(await readGgufHeader(bytesSource(writeGguf({ metadata, tensors }))));
}

Deno.test("describeModel() fills in what llama.cpp fills in", async () => {
  const model = await describe();
  equal(model.kind, "model");
  equal(model.nextnPredictLayers, 0);
  const layer = {
    ...{ cache: "full", keyWidth: 32, valueWidth: 32, recurrentWidth: 0 },
    ...{ headCount: 8, kvHeadCount: 2, feedForwardLength: 0 },
  };
  deepEqual(model.layers, [layer, layer, layer, layer]);
  equal(model.slidingWindow, 0);
  equal(model.experts, undefined);
  deepEqual([model.name, model.vocabularySize, model.chatTemplate, model.split], Array(4).fill(undefined));
});

for (const entries of [[2, 3, 4], [2, 3, 4, 4]]) {
  Deno.test(`describeModel() takes ${entries.length} counts for 3 layers and one that predicts`, async () => {
    const model = await describe({
      "llama.nextn_predict_layers": u32(1),
      "llama.attention.head_count_kv": counts(...entries),
    });
    deepEqual(model.layers.map(({ kvHeadCount }) => kvHeadCount), [2, 3, 4, 4]);
  });
}

Deno.test("describeModel() describes a model without attention", async () => {
  const model = await describe({
    "llama.attention.head_count": undefined,
    "llama.attention.head_count_kv": undefined,
  });
  deepEqual(model.layers.map(({ cache, keyWidth }) => [cache, keyWidth]), Array(4).fill(["none", 0]));
});

for (
  const { name, changes, says } of [
    {
      name: "no architecture",
      changes: { "general.architecture": undefined },
      says: /"general.architecture" is missing/,
    },
    {
      name: "no block count",
      changes: { "llama.block_count": undefined },
      says: /"llama.block_count" is missing/,
    },
    {
      name: "no context length",
      changes: { "llama.context_length": undefined },
      says: /"llama.context_length" is missing/,
    },
    {
      name: "513 layers",
      changes: { "llama.block_count": u32(513) },
      says: /"llama.block_count" is 513, expected 1 to 512/,
    },
    {
      name: "more predicting layers than layers",
      changes: { "llama.nextn_predict_layers": u32(5) },
      says: /"llama.nextn_predict_layers" is 5, expected 0 to 4/,
    },
    {
      name: "counts for another number of layers",
      changes: { "llama.attention.head_count_kv": counts(1, 2, 3) },
      says: /"llama.attention.head_count_kv" has 3 entries for 4 layers/,
    },
    {
      name: "half a head",
      changes: { "llama.attention.head_count": { type: "float32", value: 0.5 } as const },
      says: /head_count" is 0.5, expected 0 to/,
    },
    {
      name: "a name that is a number",
      changes: { "general.name": u32(1) },
      says: /"general.name" is uint32, expected a string/,
    },
    { name: "an importance matrix", changes: { "general.type": text("imatrix") }, says: /type is "imatrix"/ },
  ]
) {
  Deno.test(`describeModel() refuses ${name}`, async () => {
    await rejects(describe(changes), (error) => {
      ok(error instanceof GgufSyntaxError);
      ok(says.test(error.message), error.message);
      return true;
    });
  });
}

const tensor = (name: string, dims: number[], type: string, sizeBytes: number): GgufTensorData => {
  return { name, dims, type, data: new Uint8Array(sizeBytes) };
};

for (
  const { name, fileType, want } of [
    { name: "as the file says", fileType: u32(15), want: "Q4_K_M" },
    { name: "by the most bytes where the file does not say", fileType: undefined, want: "Q8_0" },
    { name: "by the most bytes where the file says something unknown", fileType: u32(99), want: "Q8_0" },
  ]
) {
  Deno.test(`describeModel() names the file type ${name}`, async () => {
    const { fileType: found } = await describe({ "general.file_type": fileType }, [
      tensor("a", [32, 8], "Q4_0", 144),
      tensor("b", [32, 8], "Q8_0", 272),
      tensor("norm", [512], "F32", 2048),
    ]);
    equal(found, want);
  });
}

for (
  const { name, metadata, kind } of [
    { name: "an adapter", metadata: ["llama", "adapter"], kind: "adapter" },
    { name: "a projector", metadata: ["clip", "mmproj"], kind: "projector" },
    { name: "a projector from before general.type", metadata: ["clip"], kind: "projector" },
  ]
) {
  Deno.test(`describeModel() knows ${name}, which has no layers of its own`, async () => {
    const [architecture, type] = metadata;
    const bytes = writeGguf({
      metadata: [
        ["general.architecture", text(architecture!)],
        ...(type ? [["general.type", text(type)] as const] : []),
      ],
      tensors: [tensor("blk.0.attn_q.weight.lora_a", [32, 2], "F32", 256)],
    });
    const model = describeModel(await readGgufHeader(bytesSource(bytes)));
    equal(model.kind, kind);
    equal(model.blockCount, 0);
    equal(model.weights.otherBytes, 256);
  });
}

Deno.test("describeModel() sees a 70B model as it is", async () => {
  const { bytes, fileBytes } = buildLargeHeader();
  const model = describeModel(await readGgufHeader(sparseSource(bytes, fileBytes)));
  equal(model.parameterCount, 70_553_706_560);
  equal(model.fileType, "Q4_K_S");
  equal(model.vocabularySize, 128_256);
  deepEqual(model.layers.map(({ keyWidth, feedForwardLength }) => [keyWidth, feedForwardLength]), [
    ...Array(80).fill([1024, 28_672]),
  ]);
  equal(model.chatTemplate?.length, 7000);
  const { weights } = model;
  equal(weights.perLayerBytes.length, 80);
  const layersBytes = weights.perLayerBytes.reduce((sum, bytes) => sum + bytes);
  equal(layersBytes + weights.inputBytes + weights.outputBytes + weights.otherBytes, weights.totalBytes);
  equal(weights.totalBytes, fileBytes - bytes.length);
});
