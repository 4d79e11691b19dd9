import { deepEqual, equal, ok } from "node:assert/strict";
import { writeGgufHeader } from "../../../lib/gguf/writer.ts";
import { readShowAnswer } from "../../../lib/nodes/show_answer.ts";
import { needOfContent, needOfWeights } from "../../../lib/planner/node_need.ts";
import { GIB } from "../../../lib/units.ts";
import { buildLargeHeader, sparseSource } from "../../fixtures/large_header.ts";
import { readGgufHeader } from "../../../lib/gguf/header.ts";
import { describeModel } from "../../../lib/gguf/model_info.ts";
import { llama } from "../../fixtures/model_zoo/dense.ts";
import { describeZooModel } from "../../fixtures/model_zoo/describe_zoo_model.ts";
import { SMALL_MODELS, WIDE_MODELS } from "../../fixtures/model_zoo/zoo.ts";
import { shownModel } from "../../fixtures/shown_model.ts";

const whole = { name: "m", params: {}, weightBytes: 1000, parameterCount: 8e9, source: "gguf" } as const;

/** Llama of 32 layers that keep 4 kB of each token, trained to see 131,072. */
const eightBillion = await describeZooModel(
  llama({
    layers: 32,
    embeddingLength: 4096,
    heads: 32,
    kvHeads: 8,
    headLength: 128,
    feedForwardLength: 14_336,
  }),
);

for (const { name, content } of [...SMALL_MODELS, ...WIDE_MODELS]) {
  Deno.test(`${name} needs the same by its file and by what a node shows of it, but for the size of its header`, async () => {
    const file = content();
    const real = await describeZooModel(file);
    const { bytes: header, fileBytes } = writeGgufHeader(file);
    const told = readShowAnswer(shownModel(file))!;
    const byFile = needOfContent(real, { ...whole, weightBytes: real.weights.totalBytes })!;
    const shown = needOfContent(told.content, { ...whole, weightBytes: fileBytes, source: "show" })!;
    const surplus = shown.bytes - byFile.bytes;
    ok(surplus >= 0 && surplus <= header.byteLength + 32 * file.tensors.length, `${surplus} bytes more`);
    equal(shown.contextSize, byFile.contextSize);
  });
}

Deno.test("a model of 70B at 4096 tokens takes its file, 1.25 GiB of cache and less than 1 GiB of buffers", async () => {
  const { bytes, fileBytes } = buildLargeHeader();
  const model = describeModel(await readGgufHeader(sparseSource(bytes, fileBytes)));
  const need = needOfContent(model, { ...whole, weightBytes: fileBytes })!;
  const besideBytes = need.bytes - fileBytes - 1.25 * GIB;
  ok(besideBytes > 0 && besideBytes < GIB, `${besideBytes}`);
});

for (
  const { name, params, want } of [
    { name: "gets Ollama's default context", params: {}, want: 4096 },
    { name: "gets the context that it is stored with", params: { num_ctx: 16_384 }, want: 16_384 },
    { name: "gets no more context than it was trained for", params: { num_ctx: 1_000_000 }, want: 131_072 },
    { name: "gets the default where 0 is stored", params: { num_ctx: 0 }, want: 4096 },
  ]
) {
  Deno.test(`a model ${name}, and the cache for it`, () => {
    const need = needOfContent(eightBillion, { ...whole, params })!;
    equal(need.contextSize, want);
    const cacheBytes = want * 32 * 2 * 1024 * 2; // layers × (K and V) × width × f16
    ok(need.bytes > whole.weightBytes + cacheBytes, "cache and more");
    ok(need.bytes < whole.weightBytes + cacheBytes + 0.6 * GIB, "buffers are small");
  });
}

Deno.test("an embedding model that saw 512 tokens is reckoned with 512", () => {
  equal(needOfContent({ ...eightBillion, contextLength: 512 }, whole)!.contextSize, 512);
});

Deno.test("what is no model, and what needs more than there is anywhere, has no need", () => {
  equal(needOfContent({ ...eightBillion, kind: "adapter", blockCount: 0, layers: [] }, whole), undefined);
  equal(needOfContent(eightBillion, { ...whole, weightBytes: 2 ** 60 }), undefined);
  equal(
    needOfContent({ ...eightBillion, contextLength: 0 }, { ...whole, params: { num_ctx: 2 ** 40 } }),
    undefined,
  );
});

Deno.test("by size alone a fifth is added for context and buffers", () => {
  deepEqual(needOfWeights(10 * GIB, 8e9, "size"), {
    bytes: 12 * GIB,
    weightBytes: 10 * GIB,
    contextSize: 4096,
    parameterCount: 8e9,
    source: "size",
  });
});
