import fc from "fast-check";
import { deepEqual, equal, ok } from "node:assert/strict";
import { LayerScale } from "../../../lib/planner/layer_scale.ts";
import { leastMisfit } from "../../../lib/planner/least_misfit.ts";
import type { PlanModel } from "../../../lib/planner/model_need.ts";
import { planPlacement } from "../../../lib/planner/placement.ts";
import type { PlanBackend } from "../../../lib/planner/plan_input.ts";
import { surveyRooms } from "../../../lib/planner/room.ts";
import { InsufficientMemoryError, type Shortage } from "../../../lib/planner/shortage.ts";
import { backendOf, type DeviceOptions, equalLayers, weighedModelOf } from "../../fixtures/weighed_model.ts";

/** As llama.cpp does: four copies of the inputs where something is passed on. */
function copying(model: PlanModel): PlanModel {
  const { computeBytes, blockCount } = model;
  return {
    ...model,
    computeBytes: (range) =>
      computeBytes(range) * (range.layerCount === blockCount && range.hasOutput ? 1 : 4),
    reshape: (shape) => copying(model.reshape(shape)),
  };
}

const backendsOf = (free: readonly number[]): PlanBackend[] =>
  free.map((freeBytes, number) => backendOf(number, [{ freeBytes }]));

const ten = copying(weighedModelOf({ layers: equalLayers(10, 100), computeBytes: 30 }));

for (
  const { name, free, want } of [
    {
      name: "of one device what it lacks for the whole model, with one compute buffer",
      free: [1000],
      want: { needBytes: 1030, freeBytes: 1000, missingBytes: 30, place: undefined },
    },
    {
      name: "of several what the largest lacks for what the others have no room for",
      free: [320, 420, 320],
      want: { needBytes: 1360, freeBytes: 1060, missingBytes: 300, place: "10.0.0.3:50052" },
    },
    {
      name: "more than need less free where layers do not use up what there is",
      free: [399, 499, 399],
      want: { needBytes: 1360, freeBytes: 1297, missingBytes: 221, place: "10.0.0.3:50052" },
    },
    {
      name: "nothing for devices that are too small for a layer and its buffers",
      free: [900, 150],
      want: { needBytes: 1030, freeBytes: 1050, missingBytes: 130, place: "10.0.0.2:50052" },
    },
    {
      name: "all without any room",
      free: [],
      want: { needBytes: 1030, freeBytes: 0, missingBytes: 1030, place: undefined },
    },
  ]
) {
  Deno.test(`leastMisfit() counts ${name}`, () => {
    const { needBytes, freeBytes, missingBytes, place } = leastMisfit(
      new LayerScale(ten),
      surveyRooms(backendsOf(free), 0).rooms,
    );
    deepEqual({ needBytes, freeBytes, missingBytes, place }, want);
  });
}

Deno.test("leastMisfit() tells which devices its figures are of: no more than can be used at once", () => {
  const free = Array.from({ length: 60 }, (_, number) => 20 + number);
  const { rooms, freeBytes } = leastMisfit(new LayerScale(ten), surveyRooms(backendsOf(free), 0).rooms);
  deepEqual(rooms.map(({ bytes }) => bytes), free.slice(-11));
  equal(freeBytes, free.slice(-11).reduce((sum, bytes) => sum + bytes));
});

const anyModel = fc.record({
  layers: fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 60 }),
  outputBytes: fc.integer({ min: 0, max: 3_000 }),
  otherBytes: fc.integer({ min: 0, max: 10 }),
  computeBytes: fc.integer({ min: 0, max: 400 }),
  embeddingBytes: fc.integer({ min: 0, max: 400 }),
}).map((options) => copying(weighedModelOf(options)));

const anyDevices = fc.array(
  fc.record({
    freeBytes: fc.oneof(fc.integer({ min: 0, max: 1_000 }), fc.integer({ min: 0, max: 6_000 })),
    kind: fc.constantFrom("gpu" as const, "cpu" as const),
  }),
  { minLength: 1, maxLength: 3 },
);
const anyBackends = fc.array(anyDevices, { minLength: 1, maxLength: 6 });

function shortageOf(
  model: PlanModel,
  backends: readonly PlanBackend[],
  reserveBytes: number,
): Shortage | undefined {
  try {
    planPlacement(model, backends, { reserveBytes });
    return undefined;
  } catch (error) {
    ok(error instanceof InsufficientMemoryError, String(error));
    return error.shortage;
  }
}

function withMore(specs: readonly (readonly DeviceOptions[])[], bytes: number): PlanBackend[] {
  const largest = specs.flat().reduce((most, device) => device.freeBytes > most.freeBytes ? device : most);
  return specs.map((devices, number) =>
    backendOf(
      number,
      devices.map((device) =>
        device === largest ? { ...device, freeBytes: device.freeBytes + bytes } : device
      ),
    )
  );
}

/** Calls back for models that do not fit; says how many there were. */
function forAnyMisfit(
  check: (
    shortage: Shortage,
    model: PlanModel,
    specs: readonly (readonly DeviceOptions[])[],
    reserveBytes: number,
  ) => void,
): void {
  let count = 0;
  fc.assert(
    fc.property(anyModel, anyBackends, fc.nat(300), (model, specs, reserveBytes) => {
      const shortage = shortageOf(model, withMore(specs, 0), reserveBytes);
      if (!shortage) return;
      count++;
      check(shortage, model, specs, reserveBytes);
    }),
    { numRuns: 1_000 },
  );
  ok(count > 50, `${count} did not fit`);
}

Deno.test("for any model that does not fit, what is missing makes it fit on the largest device", () => {
  forAnyMisfit(({ missingBytes }, model, specs, reserveBytes) => {
    equal(shortageOf(model, withMore(specs, missingBytes), reserveBytes), undefined);
  });
});

Deno.test("for any model that does not fit, much less than what is missing does not", () => {
  forAnyMisfit(({ missingBytes }, model, specs, reserveBytes) => {
    const least = Math.floor(missingBytes * 0.98) - model.fileBytes / 1_000;
    if (least > 0) ok(shortageOf(model, withMore(specs, least), reserveBytes));
  });
});

Deno.test("for any model that does not fit, no more is missing than the largest device lacks for all of it", () => {
  forAnyMisfit(({ missingBytes }, model, specs, reserveBytes) => {
    const wholeBytes = new LayerScale(model).needBytes(0, model.blockCount + 1);
    const largestBytes = Math.max(...specs.flat().map(({ freeBytes }) => freeBytes));
    ok(missingBytes > 0 && missingBytes <= wholeBytes + reserveBytes - largestBytes);
  });
});
