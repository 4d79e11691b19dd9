import { deepEqual } from "node:assert/strict";
import { toLoadRecord } from "../../../lib/coordinator/loaded_model.ts";
import { verifyPlacement } from "../../../lib/coordinator/placement_check.ts";
import { planPlacement } from "../../../lib/planner/placement.ts";
import { GIB, MIB } from "../../../lib/units.ts";
import { backendOf, equalLayers, weighedModelOf } from "../../fixtures/weighed_model.ts";

/** A layer of 1 GiB, whose compute buffer was estimated as 200 MiB and planned as 300 MiB. */
const PLAN = planPlacement(
  weighedModelOf({ layers: equalLayers(1, GIB), computeBytes: 300 * MIB }),
  [backendOf(0, [{ freeBytes: 4 * GIB }], { endpoint: "a:1" })],
  { strategy: "auto" },
);

Deno.test("toLoadRecord() keeps the estimate as it was before earlier loads corrected it", () => {
  const device = { on: "rpc", endpoint: "a:1", deviceIndex: 0 } as const;
  const placement = verifyPlacement("m", PLAN, [
    { use: "model", device, bytes: GIB },
    { use: "KV", device, bytes: 3 * MIB },
    { use: "RS", device, bytes: MIB },
    { use: "compute", device, bytes: 310 * MIB },
  ]);
  const load = { model: "m", architecture: "llama", build: "b11669", loadMs: 1_000 };
  deepEqual(toLoadRecord({ ...load, placement, computeCorrection: 1.5 }), {
    ...load,
    devices: [{
      endpoint: "a:1",
      deviceIndex: 0,
      estimated: { weightBytes: GIB, kvBytes: 0, computeBytes: 200 * MIB },
      actual: { weightBytes: GIB, kvBytes: 4 * MIB, computeBytes: 310 * MIB },
    }],
  });
});
