import { deepEqual, equal } from "node:assert/strict";
import { LayerScale } from "../../../lib/planner/layer_scale.ts";
import { weighedModelOf } from "../../fixtures/weighed_model.ts";

const scale = new LayerScale(weighedModelOf({
  layers: [10, 20, 30],
  outputBytes: 5,
  otherBytes: 2,
  computeBytes: 3,
  kvBytesPerToken: 1,
  shape: { contextSize: 100 },
}));

Deno.test("LayerScale weighs layers, their KV cache, and what each device needs beside them", () => {
  deepEqual(scale.weigh(1, 3), { weightBytes: 52, kvBytes: 200, computeBytes: 3, needBytes: 255 });
  equal(scale.needBytes(1, 3), 255);
});

Deno.test("LayerScale weighs the output layer as the last unit, without KV cache", () => {
  equal(scale.unitCount, 4);
  equal(scale.needBytes(3, 4), 5 + 2 + 3);
  deepEqual(scale.rangeOf(3, 4), { firstLayer: 3, layerCount: 0, hasOutput: true });
  deepEqual(scale.rangeOf(0, 3), { firstLayer: 0, layerCount: 3, hasOutput: false });
});

Deno.test("LayerScale asks nothing of a device without a unit", () => equal(scale.needBytes(2, 2), 0));

Deno.test("LayerScale says Infinity early where weights and KV cache are above a limit", () => {
  equal(scale.needWithin(1, 3, 252), 255);
  equal(scale.needWithin(1, 3, 251), Infinity);
});
