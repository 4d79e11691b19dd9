import { deepEqual, equal, notDeepEqual, ok } from "node:assert/strict";
import { createHash } from "node:crypto";
import { readGgufHeader } from "../../../lib/gguf/header.ts";
import { describeModel, type GgufModel } from "../../../lib/gguf/model_info.ts";
import { bytesSource } from "../../../lib/gguf/source.ts";
import { buildTinyAdapter, buildTinyModel } from "../../../lib/gguf/tiny_model.ts";
import { tinyVocabulary } from "../../../lib/gguf/tiny_vocabulary.ts";

async function describe(bytes: Uint8Array): Promise<GgufModel> {
  const header = await readGgufHeader(bytesSource(bytes));
  deepEqual(header.warnings, []);
  return describeModel(header);
}

Deno.test("buildTinyModel() gives the same bytes on every machine", () => {
  const sha256 = createHash("sha256").update(buildTinyModel()).digest("hex");
  equal(sha256, "05f32a6b5331dd80a0d5230cc47451153b922e5c8281da9892c716d8c5eccc6e");
});

Deno.test("buildTinyModel() has the shape that its options ask for", async () => {
  const options = { layers: 3, embeddingLength: 64, heads: 8, kvHeads: 4, feedForwardLength: 96 };
  const model = await describe(buildTinyModel({ ...options, contextLength: 512, f32: true, name: "wee" }));
  equal(model.name, "wee");
  equal(model.fileType, "F32");
  deepEqual([model.blockCount, model.embeddingLength, model.contextLength], [3, 64, 512]);
  deepEqual(model.layers.map(({ headCount, kvHeadCount, keyWidth }) => [headCount, kvHeadCount, keyWidth]), [
    ...[[8, 4, 32], [8, 4, 32], [8, 4, 32]],
  ]);
  equal(model.vocabularySize, tinyVocabulary().length);
  ok(model.chatTemplate?.includes("<|im_start|>"));
});

Deno.test("buildTinyModel() makes another model of another seed", () => {
  const small = { layers: 1, embeddingLength: 32 };
  notDeepEqual(buildTinyModel({ ...small, seed: 2 }), buildTinyModel({ ...small, seed: 3 }));
});

Deno.test("buildTinyModel() keeps dimension 0 constant, which is what makes it speak words", async () => {
  const bytes = buildTinyModel({ layers: 2, embeddingLength: 32, f32: true });
  const { tensors, dataOffset } = await readGgufHeader(bytesSource(bytes));
  const rowsOf = (name: string) => {
    const { dims, offset, sizeBytes } = tensors.find((tensor) => tensor.name === name)!;
    const all = new Float32Array(bytes.buffer, dataOffset + offset, sizeBytes / 4);
    return Array.from(
      { length: dims[1]! },
      (_, row) => [...all.subarray(row * dims[0]!, (row + 1) * dims[0]!)],
    );
  };
  ok(rowsOf("token_embd.weight").every(([first]) => first === 6));
  for (const name of ["blk.0.attn_output.weight", "blk.1.ffn_down.weight"]) {
    const [first, second] = rowsOf(name);
    ok(first!.every((weight) => weight === 0), name);
    ok(second!.some((weight) => weight !== 0), name);
  }
  const biases = rowsOf("output.weight").map(([bias]) => bias!);
  const liked = tinyVocabulary().filter((_, token) => biases[token] === 0).map(({ piece }) => piece);
  ok(liked.length > 100);
  ok(liked.every((piece) => /^(▁[a-zI]+|[.,])$/.test(piece)), liked.join(" "));
});

Deno.test("buildTinyAdapter() is a LoRA whose tensors fit the model's", async () => {
  const options = { layers: 2, embeddingLength: 64 };
  const adapter = buildTinyAdapter(options);
  equal((await describe(adapter)).kind, "adapter");
  const { tensors: base } = await readGgufHeader(bytesSource(buildTinyModel(options)));
  const { tensors, metadata } = await readGgufHeader(bytesSource(adapter));
  equal(metadata.string("adapter.type"), "lora");
  const dimsOf = (name: string) => tensors.find((tensor) => tensor.name === name)?.dims;
  const adapted = base.filter(({ name }) => dimsOf(`${name}.lora_a`));
  equal(adapted.length, 2 * options.layers);
  for (const { name, dims: [columns, rows] } of adapted) {
    const rank = dimsOf(`${name}.lora_a`)![1];
    deepEqual(dimsOf(`${name}.lora_a`), [columns, rank]);
    deepEqual(dimsOf(`${name}.lora_b`), [rank, rows]);
  }
});
