import { deepEqual, equal } from "node:assert/strict";
import { mergeConfig } from "../../../lib/config/merge.ts";
import { shapeOf, toLaunch } from "../../../lib/coordinator/plan_launch.ts";
import type { Pooling } from "../../../lib/gguf/model_traits.ts";
import type { Placement } from "../../../lib/planner/placement.ts";
import { LLAMA_70B } from "../../fixtures/llama_content.ts";
import { SOME_MODEL } from "../../fixtures/model_planning.ts";

const env = { SOLLOL_COORDINATOR_UBATCH_SIZE: "256", SOLLOL_COORDINATOR_BATCH_SIZE: "1024" };
const config = mergeConfig({ env }).config.coordinator;

function contentOf(pooling: Pooling | undefined) {
  return { ...LLAMA_70B, traits: { ...LLAMA_70B.traits, pooling } };
}

function batchesOf(pooling: Pooling | undefined, wish = {}): (number | undefined)[] {
  const shape = shapeOf(SOME_MODEL, contentOf(pooling), config, wish);
  const { batchSize, ubatchSize } = toLaunch(SOME_MODEL, shape, {} as Placement, config, "llama-server");
  equal(ubatchSize, shape.ubatchSize, "what is planned with");
  return [batchSize, ubatchSize];
}

Deno.test("shapeOf() plans batches as the operator says", () => {
  deepEqual(batchesOf(undefined), [1024, 256]);
});

for (const pooling of ["none", "mean", "cls", "rank"] as const) {
  Deno.test(`a model that pools by ${pooling} takes a whole context in one batch`, () => {
    deepEqual(batchesOf(pooling), [4096, 4096]);
    deepEqual(batchesOf(pooling, { contextSize: 512 }), [512, 512]);
  });
}

Deno.test("a model that pools the last token needs no larger batch", () => {
  deepEqual(batchesOf("last"), [1024, 256]);
});

Deno.test("toLaunch() hands on what is stored with the model", () => {
  const model = { ...SOME_MODEL, params: { temperature: 0.3, stop: ["x"] } };
  const shape = shapeOf(model, contentOf(undefined), config);
  const { params, pooling } = toLaunch(model, shape, {} as Placement, config, "llama-server");
  deepEqual([params, pooling], [model.params, undefined]);
});
