import type { PlanShape } from "../../lib/planner/plan_input.ts";
import { SMALL_MODELS, WIDE_MODELS, type ZooModel } from "../fixtures/model_zoo/zoo.ts";
import type { RealityCase } from "./planner_reality.ts";

/** Backends that the cases need. */
export const BACKEND_COUNT = 3;

const USUAL: PlanShape = { contextSize: 4096, slotCount: 1, kvType: "f16" };
const SHORT: PlanShape = { contextSize: 500, slotCount: 2, kvType: "f16" };
const LONG: PlanShape = { contextSize: 32_768, slotCount: 1, kvType: "q8_0" };
const SLOTS: PlanShape = { contextSize: 2048, slotCount: 4, kvType: "f16", ubatchSize: 128 };
const LARGE_BATCH: PlanShape = { contextSize: 8192, slotCount: 2, kvType: "f16", ubatchSize: 2048 };

/** For the test suite: each small model once, in turn with each split and shape. */
export const FAST_CASES: readonly RealityCase[] = SMALL_MODELS.map((model, index) => ({
  model,
  shape: [USUAL, SLOTS, LONG][index % 3]!,
  split: (["even", [2, 1, 3], "auto", [1, 4]] as const)[index % 4]!,
}));

/** All models × splits × shapes. */
export const ALL_CASES: readonly RealityCase[] = [
  ...cross(SMALL_MODELS, ["even", "auto", [1, -1, 1], [3, 3]], [USUAL, SHORT, LONG, SLOTS]),
  ...cross(SMALL_MODELS, [[1, 2, 1], [99]], [LARGE_BATCH]),
  ...cross(WIDE_MODELS, ["even", [99]], [USUAL]),
  ...cross(WIDE_MODELS, [[1, 1]], [LONG, LARGE_BATCH]),
];

function cross(
  models: readonly ZooModel[],
  splits: readonly RealityCase["split"][],
  shapes: readonly PlanShape[],
): RealityCase[] {
  return models.flatMap((model) =>
    splits.flatMap((split) => shapes.map((shape) => ({ model, split, shape })))
  );
}
