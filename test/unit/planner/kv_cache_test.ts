import { deepEqual, equal, ok, throws } from "node:assert/strict";
import type { LayerShape } from "../../../lib/gguf/layer_shape.ts";
import { kvCacheBytesPerLayer } from "../../../lib/planner/kv_cache.ts";
import type { PlanShape } from "../../../lib/planner/plan_input.ts";
import { MIB } from "../../../lib/units.ts";
import { describeKeys, type KeyValue } from "../../fixtures/model_keys.ts";

const LAYER: LayerShape = {
  cache: "full",
  keyWidth: 1024,
  valueWidth: 1024,
  recurrentWidth: 0,
  headCount: 64,
  kvHeadCount: 8,
  feedForwardLength: 0,
};

const llama70b = { layers: Array<LayerShape>(80).fill(LAYER), slidingWindow: 0 };
const total = (bytes: number[]) => bytes.reduce((sum, layer) => sum + layer, 0);

Deno.test("kvCacheBytesPerLayer() gives a 70B llama 320 KiB a token in f16 and 170 KiB in q8_0", () => {
  const perToken = (kvType: string) =>
    total(kvCacheBytesPerLayer(llama70b, { contextSize: 8192, slotCount: 1, kvType })) / 8192;
  equal(perToken("f16"), 327_680);
  equal(perToken("q8_0"), 174_080);
});

Deno.test("kvCacheBytesPerLayer() gives DeepSeek V3, which keeps K alone, 70272 bytes a token", () => {
  const layers = Array<LayerShape>(61).fill({ ...LAYER, keyWidth: 576, valueWidth: 0 });
  const bytes = kvCacheBytesPerLayer({ layers, slidingWindow: 0 }, {
    contextSize: 4096,
    slotCount: 1,
    kvType: "f16",
  });
  equal(total(bytes) / 4096, 70_272);
});

Deno.test("kvCacheBytesPerLayer() rounds the context of each slot up to 256 tokens", () => {
  const shape = { contextSize: 300, slotCount: 3, kvType: "f16" };
  deepEqual(kvCacheBytesPerLayer({ layers: [LAYER], slidingWindow: 0 }, shape), [512 * 3 * 4096]);
});

for (
  const { name, contextSize, slidingWindow, ubatchSize, cells } of [
    { name: "the window and a batch", contextSize: 8192, slidingWindow: 700, ubatchSize: 512, cells: 1280 },
    {
      name: "llama.cpp's own batch",
      contextSize: 8192,
      slidingWindow: 128,
      ubatchSize: undefined,
      cells: 768,
    },
    { name: "no more than the context", contextSize: 600, slidingWindow: 4096, ubatchSize: 512, cells: 768 },
    {
      name: "the context under an absurd window",
      contextSize: 1024,
      slidingWindow: 2 ** 31 - 1,
      ubatchSize: 512,
      cells: 1024,
    },
  ]
) {
  Deno.test(`kvCacheBytesPerLayer() keeps ${name} in a layer with a sliding window`, () => {
    const model = { layers: [LAYER, { ...LAYER, cache: "window" as const }], slidingWindow };
    const [, bytes] = kvCacheBytesPerLayer(model, { contextSize, slotCount: 2, kvType: "f16", ubatchSize });
    equal(bytes! / 4096 / 2, cells);
  });
}

Deno.test("kvCacheBytesPerLayer() counts state once a slot, whatever the context and the type", () => {
  const layers: LayerShape[] = [
    { ...LAYER, cache: "none", keyWidth: 0, valueWidth: 0, recurrentWidth: 1000 },
    { ...LAYER, recurrentWidth: 1000 },
    { ...LAYER, cache: "none", keyWidth: 0, valueWidth: 0 },
  ];
  const bytes = kvCacheBytesPerLayer({ layers, slidingWindow: 0 }, {
    contextSize: 256,
    slotCount: 4,
    kvType: "q8_0",
  });
  deepEqual(bytes, [16_000, 16_000 + 4 * 256 * 2176, 0]);
});

for (const kvType of ["f17", "F16", "q4_k", "i8", ""]) {
  Deno.test(`kvCacheBytesPerLayer() refuses the type "${kvType}" and says which there are`, () => {
    const shape = { contextSize: 1, slotCount: 1, kvType };
    throws(() => kvCacheBytesPerLayer(llama70b, shape), {
      name: "RangeError",
      message: /use one of f32, f16/,
    });
  });
}

for (const layer of [{ ...LAYER, keyWidth: 80 }, { ...LAYER, valueWidth: 80 }]) {
  Deno.test(`kvCacheBytesPerLayer() refuses to pack 80 elements in blocks of 32 (K ${layer.keyWidth})`, () => {
    const model = { layers: [LAYER, layer], slidingWindow: 0 };
    const shape = { contextSize: 256, slotCount: 1, kvType: "q8_0" };
    throws(() => kvCacheBytesPerLayer(model, shape), {
      name: "RangeError",
      message: "a KV cache of type q8_0 packs 32 elements, but layer 1 keeps 80 for each token; use f16",
    });
    equal(kvCacheBytesPerLayer(model, { ...shape, kvType: "f16" }).length, 2);
  });
}

/** `-c 24576 -np 3` */
const THREE_SLOTS: PlanShape = { contextSize: 8192, slotCount: 3, kvType: "f16" };
/** `-c 10000 -np 2 -ctk q8_0 -ctv q8_0` */
const PACKED: PlanShape = { contextSize: 5000, slotCount: 2, kvType: "q8_0" };
/** `-c 4096 -np 1 -ctk q4_0 -ctv q4_0 -ub 100` */
const SMALL_BATCH: PlanShape = { contextSize: 4096, slotCount: 1, kvType: "q4_0", ubatchSize: 100 };

const HEADS_64: Record<string, KeyValue> = { "attention.key_length": 64, "attention.value_length": 64 };
const MAMBA = { "ssm.conv_kernel": 4, "ssm.inner_size": 512, "ssm.state_size": 16, "ssm.time_step_rank": 16 };
const JAMBA = { ...MAMBA, "block_count": 8, "attention.head_count_kv": [0, 0, 2, 0, 0, 0, 2, 0] };
const LATENT = {
  "attention.head_count_kv": 1,
  "attention.key_length": 288,
  "attention.value_length": 256,
  "attention.key_length_mla": 96,
  "attention.value_length_mla": 64,
};
const QWEN35 = {
  ...HEADS_64,
  "block_count": 8,
  "ssm.conv_kernel": 4,
  "ssm.inner_size": 512,
  "ssm.state_size": 64,
  "ssm.group_count": 4,
};
const GEMMA4 = {
  "attention.sliding_window": 512,
  "attention.sliding_window_pattern": [1, 1, 0, 1, 1, 0],
  "attention.key_length": 128,
  "attention.value_length": 128,
  "attention.key_length_swa": 64,
  "attention.value_length_swa": 64,
};

/**
 * What llama-server b11669 said it allocated, on the CPU and (in parts) on an rpc device, for models of these keys whose
 * weights were zero: the sum of its `KV buffer size` and `RS buffer size` lines, MiB.
 */
const MEASURED: [string, Record<string, KeyValue>, PlanShape, number][] = [
  ["llama", {}, THREE_SLOTS, 36],
  ["llama", {}, PACKED, 7.97],
  ["llama", {}, SMALL_BATCH, 1.69],
  ["qwen2", { "attention.sliding_window": 512 }, THREE_SLOTS, 36],
  ["phi3", { "attention.sliding_window": 512 }, THREE_SLOTS, 36],
  [
    "deci",
    {
      ...HEADS_64,
      "attention.head_count": [8, 8, 0, 8, 8, 8],
      "attention.head_count_kv": [2, 2, 0, 4, 4, 4],
    },
    THREE_SLOTS,
    96,
  ],
  ["gemma2", { ...HEADS_64, "attention.sliding_window": 512 }, THREE_SLOTS, 40.5],
  ["gemma2", { ...HEADS_64, "attention.sliding_window": 512 }, PACKED, 9.56],
  ["gemma2", HEADS_64, THREE_SLOTS, 56.25],
  ["gemma3", { ...HEADS_64, "block_count": 8, "attention.sliding_window": 512 }, THREE_SLOTS, 22.5],
  ["gemma3", { ...HEADS_64, "block_count": 8, "attention.sliding_window": 512 }, PACKED, 6.38],
  ["gemma3", { ...HEADS_64, "block_count": 8, "attention.sliding_window": 512 }, SMALL_BATCH, 1.3],
  ["gemma3", { ...HEADS_64, "block_count": 8 }, THREE_SLOTS, 96],
  [
    "gemma3",
    {
      ...HEADS_64,
      "block_count": 8,
      "attention.sliding_window": 512,
      "attention.sliding_window_pattern": 3,
    },
    THREE_SLOTS,
    33,
  ],
  [
    "gemma3",
    {
      ...HEADS_64,
      "block_count": 8,
      "attention.sliding_window": 512,
      "attention.sliding_window_pattern": [1, 1, 0, 1, 1, 0, 1, 0],
    },
    THREE_SLOTS,
    43.5,
  ],
  ["gemma4", { ...GEMMA4, "attention.shared_kv_layers": 0 }, THREE_SLOTS, 54],
  ["gemma4", { ...GEMMA4, "attention.shared_kv_layers": 3 }, THREE_SLOTS, 27],
  ["gpt-oss", { ...HEADS_64, "attention.sliding_window": 128 }, THREE_SLOTS, 39.38],
  ["gpt-oss", { ...HEADS_64, "attention.sliding_window": 128 }, PACKED, 9.17],
  ["olmo2", { "attention.sliding_window": 700 }, THREE_SLOTS, 10.69],
  [
    "olmo2",
    {
      "attention.sliding_window": 700,
      "attention.sliding_window_pattern": [0, 0, 1, 0, 0, 1],
    },
    THREE_SLOTS,
    25.88,
  ],
  ["cohere2", { "attention.sliding_window": 700 }, THREE_SLOTS, 10.69],
  ["exaone4", { "attention.sliding_window": 700 }, THREE_SLOTS, 36],
  ["exaone4", { "block_count": 64, "attention.sliding_window": 700 }, THREE_SLOTS, 141],
  ["exaone4", { "nextn_predict_layers": 1 }, THREE_SLOTS, 30],
  ["glm4", { ...HEADS_64, "nextn_predict_layers": 1 }, THREE_SLOTS, 60],
  ["deepseek2", LATENT, THREE_SLOTS, 81],
  ["deepseek2", LATENT, PACKED, 17.93],
  ["deepseek2", { ...LATENT, "nextn_predict_layers": 1 }, THREE_SLOTS, 67.5],
  ["mamba", { ...MAMBA, "attention.head_count": 0, "attention.head_count_kv": 0 }, THREE_SLOTS, 0.67],
  ["jamba", JAMBA, THREE_SLOTS, 12.67],
  ["jamba", JAMBA, PACKED, 3.11],
  ["granitehybrid", { ...JAMBA, "ssm.group_count": 1 }, THREE_SLOTS, 12.67],
  ["falcon-h1", { ...MAMBA, "ssm.group_count": 1 }, THREE_SLOTS, 36.67],
  ["falcon-h1", { ...MAMBA, "ssm.group_count": 1 }, PACKED, 8.42],
  ["lfm2", { "attention.head_count_kv": [0, 0, 2, 0, 0, 2], "shortconv.l_cache": 3 }, THREE_SLOTS, 12.02],
  [
    "lfm2",
    {
      "attention.head_count_kv": [0, 0, 2, 0, 0, 2],
      "shortconv.l_cache": 3,
      "attention.sliding_window": 300,
    },
    THREE_SLOTS,
    1.52,
  ],
  ["qwen35", QWEN35, THREE_SLOTS, 26.46],
  ["qwen35", QWEN35, PACKED, 6.95],
  ["qwen35", { ...QWEN35, "block_count": 9, "nextn_predict_layers": 1 }, THREE_SLOTS, 26.46],
];

for (const [architecture, keys, shape, mib] of MEASURED) {
  const { contextSize, slotCount, kvType } = shape;
  const name = `${architecture} ${JSON.stringify(keys)} with ${slotCount} × ${contextSize} ${kvType}`;
  Deno.test(`kvCacheBytesPerLayer() gives the ${mib} MiB that llama.cpp took for ${name}`, async () => {
    const bytes = total(kvCacheBytesPerLayer(await describeKeys(architecture, keys), shape));
    ok(Math.abs(bytes / MIB - mib) <= 0.011, `${bytes / MIB} MiB`); // each line is rounded to 0.01
  });
}
