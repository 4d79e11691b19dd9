import { equal, ok } from "node:assert/strict";
import { computeBufferBytes } from "../../../lib/planner/compute_buffer.ts";
import type { LayerRange, PlanShape } from "../../../lib/planner/plan_input.ts";
import { MIB } from "../../../lib/units.ts";
import { describeZooModel } from "../../fixtures/model_zoo/describe_zoo_model.ts";
import { gemma3, llama, qwen3, starcoder2, type ZooContent } from "../../fixtures/model_zoo/dense.ts";
import { qwen35 } from "../../fixtures/model_zoo/delta_net.ts";
import { deepseek2, gptOss, mixtral, qwen3moe } from "../../fixtures/model_zoo/experts.ts";
import { falconH1, graniteHybrid, jamba, lfm2, mamba, mamba2 } from "../../fixtures/model_zoo/recurrent.ts";

const USUAL: PlanShape = { contextSize: 4096, slotCount: 1, kvType: "f16" };
const LONG: PlanShape = { contextSize: 32_768, slotCount: 1, kvType: "f16" };
const SLOTS: PlanShape = { contextSize: 2048, slotCount: 4, kvType: "f16", ubatchSize: 2048 };
const LLAMA_8B = { layers: 3, embeddingLength: 4096, heads: 32, kvHeads: 8, headLength: 128 } as const;
const llama8b = llama({ ...LLAMA_8B, feedForwardLength: 14_336, vocabularySize: 32_000 });

/** Layers from `first` up to `end`; beyond the last one is the output layer. */
function range(first: number, end: number, blockCount: number): LayerRange {
  const hasOutput = end > blockCount;
  return { firstLayer: first, layerCount: end - first - (hasOutput ? 1 : 0), hasOutput };
}

/** MiB that llama-server b11669 told of, with ggml-rpc-servers on CPUs. */
const MEASURED: readonly {
  readonly name: string;
  readonly content: ZooContent;
  readonly units: readonly [first: number, end: number];
  readonly shape?: PlanShape;
  readonly mib: number;
}[] = [
  { name: "llama, start", content: llama(), units: [0, 2], mib: 28.55 },
  { name: "llama, middle", content: llama(), units: [2, 4], mib: 24.04 },
  { name: "llama, whole", content: llama(), units: [0, 7], mib: 10.5 },
  { name: "llama, last layer", content: llama(), units: [5, 6], mib: 19.54 },
  { name: "wide llama, first of two batches", content: llama8b, units: [0, 1], shape: SLOTS, mib: 848.2 },
  { name: "wide llama, long context", content: llama8b, units: [0, 2], shape: LONG, mib: 340.1 },
  { name: "wide llama, whole", content: llama8b, units: [0, 4], mib: 120 },
  { name: "wide llama, output layer", content: llama8b, units: [3, 4], mib: 0.2 },
  { name: "qwen3", content: qwen3(), units: [2, 4], mib: 24.04 },
  { name: "gemma3, windows alone", content: gemma3(), units: [0, 2], mib: 16.56 },
  { name: "gemma3, both caches", content: gemma3(), units: [4, 9], mib: 28.07 },
  { name: "starcoder2", content: starcoder2(), units: [2, 4], mib: 21.04 },
  { name: "qwen3moe", content: qwen3moe(), units: [2, 4], mib: 26.04 },
  { name: "mixtral", content: mixtral(), units: [0, 2], mib: 33.05 },
  { name: "gpt-oss", content: gptOss(), units: [2, 4], mib: 29.07 },
  { name: "deepseek2", content: deepseek2(), units: [2, 4], mib: 29.52 },
  { name: "mamba, middle", content: mamba(), units: [2, 4], mib: 20.04 },
  { name: "mamba2, middle", content: mamba2(), units: [2, 4], mib: 20.14 },
  { name: "jamba, boundary after attention", content: jamba(), units: [2, 4], mib: 28.07 },
  { name: "falcon-h1", content: falconH1(), units: [2, 4], mib: 24.77 },
  { name: "granitehybrid", content: graniteHybrid(), units: [4, 9], mib: 40.05 },
  { name: "qwen35", content: qwen35(), units: [4, 9], mib: 25.1 },
  { name: "lfm2", content: lfm2(), units: [2, 4], mib: 23.54 },
];

for (const { name, content, units, shape = USUAL, mib } of MEASURED) {
  Deno.test(`computeBufferBytes() is what llama.cpp was seen to allocate: ${name}`, async () => {
    const model = await describeZooModel(content);
    const planned = computeBufferBytes(model, shape)(range(...units, model.blockCount)) / MIB;
    ok(planned > mib * 0.97 && planned < mib * 1.05, `${planned.toFixed(2)} MiB, measured ${mib}`);
  });
}

Deno.test("an F32 cache is copied to F16 for each layer's attention", async () => {
  const model = await describeZooModel(deepseek2());
  const planned = computeBufferBytes(model, { ...USUAL, kvType: "f32" })(range(2, 4, 6)) / MIB;
  ok(planned > 34 && planned < 35.5, `${planned} MiB, measured 34.05`);
});

Deno.test("a model on one device keeps each input once, on two four times", async () => {
  const model = await describeZooModel(llama());
  const bytes = computeBufferBytes(model, LONG);
  ok(bytes(range(0, 7, 6)) < bytes(range(0, 6, 6)) / 3);
});

Deno.test("a batch holds no more tokens than the slots", async () => {
  const model = await describeZooModel(llama());
  const bytes = (contextSize: number, ubatchSize: number) =>
    computeBufferBytes(model, { contextSize, slotCount: 1, kvType: "f16", ubatchSize })(range(1, 3, 6));
  equal(bytes(256, 512), bytes(256, 256));
  ok(bytes(512, 512) > bytes(512, 256));
});

Deno.test("a longer range never needs less, but for the whole model", async () => {
  for (const content of [llama(), gemma3(), qwen3moe(), deepseek2()]) {
    const model = await describeZooModel(content);
    const bytes = computeBufferBytes(model, USUAL);
    for (let end = 2; end <= model.blockCount; end++) {
      const [shorter, longer] = [end - 1, end].map((last) => bytes(range(0, last, model.blockCount)));
      ok(longer! >= shorter!, `${model.architecture}: ${end} layers`);
    }
  }
});

Deno.test("layers of an unknown architecture are drawn as those of the plain one", async () => {
  const model = await describeZooModel(llama());
  const [plain, unknown] = [model, { ...model, architecture: "unheard-of" }]
    .map((one) => computeBufferBytes(one, USUAL)(range(0, 3, 6)));
  equal(unknown, plain);
});
