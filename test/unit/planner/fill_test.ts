import { deepEqual, ok } from "node:assert/strict";
import { divideBudgets, fillInOrder, holds } from "../../../lib/planner/fill.ts";
import { LayerScale } from "../../../lib/planner/layer_scale.ts";
import { surveyRooms } from "../../../lib/planner/room.ts";
import { backendOf, equalLayers, weighedModelOf } from "../../fixtures/weighed_model.ts";

const ten = new LayerScale(weighedModelOf({ layers: equalLayers(10, 10), computeBytes: 1 }));

function roomsOf(freeBytes: readonly number[], memoryKey?: string) {
  const shared = memoryKey === undefined ? {} : { memoryKey };
  return surveyRooms(freeBytes.map((free, number) => backendOf(number, [{ freeBytes: free, ...shared }])), 0)
    .rooms;
}

for (
  const { name, free, counts, placedCount } of [
    { name: "each room as far as it goes", free: [31, 60, 99], counts: [3, 5, 3], placedCount: 11 },
    { name: "nothing into a room that is too small", free: [10, 101], counts: [0, 11], placedCount: 11 },
    { name: "what fits, and tells how much that is", free: [31, 21], counts: [3, 2], placedCount: 5 },
  ]
) {
  Deno.test(`fillInOrder() puts ${name}`, () => {
    const fill = fillInOrder(ten, roomsOf(free));
    deepEqual([fill.counts, fill.placedCount], [counts, placedCount]);
  });
}

Deno.test("fillInOrder() finds that a whole model fits though one layer less would not", () => {
  const model = { ...weighedModelOf({ layers: equalLayers(10, 10) }) };
  const lonely = new LayerScale({
    ...model,
    computeBytes: ({ layerCount, hasOutput }) => layerCount === 10 && hasOutput ? 1 : 50,
  });
  deepEqual(fillInOrder(lonely, roomsOf([101])).counts, [11]);
});

Deno.test("fillInOrder() spends shared memory once", () => {
  deepEqual(fillInOrder(ten, roomsOf([71, 71], "ram")).counts, [7, 0]);
});

Deno.test("divideBudgets() divides shared memory only if it is too little for all", () => {
  deepEqual(divideBudgets(roomsOf([60, 40]), [31, 21]), [60, 40]);
  deepEqual(divideBudgets(roomsOf([90, 60], "ram"), [40, 20]), [60, 30]);
  deepEqual(divideBudgets(roomsOf([90, 60], "ram"), [40, 0]), [90, 0]);
});

Deno.test("holds() counts shared memory once", () => {
  ok(holds(roomsOf([50, 50]), [50, 50]));
  ok(holds(roomsOf([50, 50], "ram"), [20, 30]));
  ok(!holds(roomsOf([50, 50], "ram"), [20, 31]));
});
