import fc from "fast-check";
import { deepEqual, equal, ok } from "node:assert/strict";
import { chooseBackends } from "../../../lib/planner/backend_choice.ts";
import { LayerScale } from "../../../lib/planner/layer_scale.ts";
import type { PlanModel } from "../../../lib/planner/model_need.ts";
import type { PlanBackend } from "../../../lib/planner/plan_input.ts";
import { surveyRooms } from "../../../lib/planner/room.ts";
import { fitAsListed } from "../../../lib/planner/room_order.ts";
import { GIB } from "../../../lib/units.ts";
import { backendOf, equalLayers, gpusOf, weighedModelOf } from "../../fixtures/weighed_model.ts";

/** Last numbers of the addresses that were chosen. */
function chosen(model: PlanModel, backends: readonly PlanBackend[]): number[] | undefined {
  const fitting = chooseBackends(new LayerScale(model), surveyRooms(backends, 0).rooms);
  return fitting && [...new Set(fitting.rooms.map(({ backend }) => backends.indexOf(backend)))];
}

const twenty = weighedModelOf({ layers: equalLayers(20, GIB) });
const cpu = (number: number, gib: number): PlanBackend =>
  backendOf(number, [{ freeBytes: gib * GIB, kind: "cpu" }]);

for (
  const { name, backends, want } of [
    { name: "one if one suffices", backends: gpusOf([10, 10, 20]), want: [2] },
    { name: "of those that suffice the one with most memory", backends: gpusOf([21, 23, 22]), want: [1] },
    { name: "a GPU before a larger CPU", backends: [cpu(0, 90), ...gpusOf([21], 1)], want: [1] },
    {
      name: "one CPU before two GPUs: fewer hops",
      backends: [cpu(0, 90), ...gpusOf([12, 12], 1)],
      want: [0],
    },
    {
      name: "a GPU and a CPU before two CPUs",
      backends: [cpu(0, 15), cpu(1, 15), ...gpusOf([6], 2)],
      want: [0, 2],
    },
    { name: "all if all are needed, in their order", backends: gpusOf([5, 9, 6]), want: [0, 1, 2] },
    { name: "none if all are too little", backends: gpusOf([5, 9, 5]), want: undefined },
    { name: "pieces that whole layers use up", backends: gpusOf([10.9, 10, 9.9]), want: [0, 1] },
  ]
) {
  Deno.test(`chooseBackends() takes ${name}`, () => deepEqual(chosen(twenty, backends), want));
}

Deno.test("chooseBackends() is not misled by memory that layers of 3 GiB cannot use", () => {
  const model = weighedModelOf({ layers: equalLayers(4, 3 * GIB) });
  deepEqual(chosen(model, gpusOf([8.9, 8.9, 9, 3])), [0, 2]);
});

const anyModel = fc.record({
  layers: fc.array(fc.integer({ min: 1, max: 10 }), { minLength: 1, maxLength: 12 }),
  outputBytes: fc.nat(20),
  computeBytes: fc.nat(3),
}).map(weighedModelOf);
const anyBackends = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 7 })
  .map((free) => free.map((freeBytes, number) => backendOf(number, [{ freeBytes }])));

Deno.test("chooseBackends() never takes more backends than the smallest set that fits in the listed order", () => {
  fc.assert(
    fc.property(anyModel, anyBackends, (model, backends) => {
      const scale = new LayerScale(model);
      const { rooms } = surveyRooms(backends, 0);
      const sizes = Array.from({ length: 2 ** rooms.length }, (_, mask) => mask)
        .map((mask) => rooms.filter((_, index) => mask & (1 << index)))
        .filter((set) => fitAsListed(scale, set)).map(({ length }) => length);
      const fitting = chooseBackends(scale, rooms);
      if (sizes.length === 0) return; // then at most another order fits
      ok(fitting && fitting.rooms.length <= Math.min(...sizes));
    }),
    { numRuns: 500 },
  );
});

Deno.test("chooseBackends() takes as many of very many as their memory asks for", () => {
  const backends = gpusOf(Array.from({ length: 300 }, (_, number) => number % 3));
  equal(chosen(twenty, backends)!.length, 10);
});
