import fc from "fast-check";
import { deepEqual, equal, ok } from "node:assert/strict";
import type { PlanModel } from "../../../lib/planner/model_need.ts";
import { type Placement, planPlacement } from "../../../lib/planner/placement.ts";
import type { PlanBackend } from "../../../lib/planner/plan_input.ts";
import { InsufficientMemoryError } from "../../../lib/planner/shortage.ts";
import { assignLayers } from "../../fakes/layer_rule.ts";
import { backendOf, equalLayers, gpusOf, weighedModelOf } from "../../fixtures/weighed_model.ts";

const anyModel = fc.record({
  layers: fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 130 }),
  outputBytes: fc.integer({ min: 0, max: 3_000 }),
  otherBytes: fc.integer({ min: 0, max: 10 }),
  computeBytes: fc.integer({ min: 0, max: 200 }),
}).map(weighedModelOf);

const anyDevice = fc.record({
  freeBytes: fc.integer({ min: 0, max: 60_000 }),
  kind: fc.constantFrom("gpu" as const, "cpu" as const),
});
const anyBackends = fc.array(
  fc.record({
    devices: fc.array(anyDevice, { minLength: 1, maxLength: 3 }),
    limit: fc.option(fc.integer({ min: 0, max: 60_000 }), { nil: undefined }),
    shares: fc.boolean(),
  }),
  { minLength: 1, maxLength: 20 },
).map((specs) =>
  specs.map(({ devices, limit, shares }, number): PlanBackend =>
    backendOf(number, devices.map((device) => shares ? { ...device, memoryKey: "shared" } : device), {
      memoryLimitBytes: limit,
    })
  )
);
const anyStrategy = fc.constantFrom("auto" as const, "even" as const);

function placementOrRefusal(
  model: PlanModel,
  backends: PlanBackend[],
  options?: Parameters<typeof planPlacement>[2],
): Placement | undefined {
  try {
    return planPlacement(model, backends, options);
  } catch (error) {
    ok(error instanceof InsufficientMemoryError, String(error));
    return undefined;
  }
}

function plannedPlaces({ devices }: Placement): number[] {
  return devices.flatMap(({ layerCount, hasOutput }, index) =>
    Array.from({ length: layerCount + (hasOutput ? 1 : 0) }, () => index)
  );
}

Deno.test("for any model and backends, llama.cpp's rule makes of the split what was planned", () => {
  fc.assert(
    fc.property(anyModel, anyBackends, anyStrategy, (model, backends, strategy) => {
      const placement = placementOrRefusal(model, backends, { strategy });
      if (!placement) return;
      const { tensorSplit } = placement;
      deepEqual(assignLayers({ blockCount: model.blockCount, tensorSplit }), plannedPlaces(placement));
    }),
    { numRuns: 300 },
  );
});

Deno.test("for any layers as told, llama.cpp's rule makes of the split what was told", () => {
  const anyLayers = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 15 })
    .filter((counts) => counts.some((count) => count > 0));
  fc.assert(
    fc.property(anyLayers, (counts) => {
      const backends = gpusOf(counts.map(() => 100));
      const layers = Object.fromEntries(backends.map(({ endpoint }, index) => [endpoint, counts[index]!]));
      const model = weighedModelOf({ layers: equalLayers(counts.reduce((sum, count) => sum + count), 1) });
      const { devices, tensorSplit } = planPlacement(model, backends, { strategy: { layers } });
      const places = assignLayers({ blockCount: model.blockCount, tensorSplit });
      const told = backends.map(({ endpoint }) => {
        const index = devices.findIndex((device) => device.endpoint === endpoint);
        return places.slice(0, -1).filter((place) => place === index).length;
      });
      deepEqual(told, counts);
      equal(places.at(-1), devices.length - 1);
      equal(devices.at(-1)!.endpoint, backends.at(-1)!.endpoint);
    }),
    { numRuns: 300 },
  );
});

Deno.test("for any model and backends, no memory gets more than it has, and no layer is lost", () => {
  fc.assert(
    fc.property(
      anyModel,
      anyBackends,
      anyStrategy,
      fc.nat(100),
      (model, backends, strategy, reserveBytes) => {
        const placement = placementOrRefusal(model, backends, { strategy, reserveBytes });
        if (!placement) return;
        const { devices } = placement;
        for (const { freeAfterBytes } of devices) ok(freeAfterBytes >= reserveBytes);
        for (const { endpoint, memoryLimitBytes = Infinity } of backends) {
          const own = devices.filter((device) => device.endpoint === endpoint);
          ok(own.reduce((sum, { needBytes }) => sum + needBytes, 0) <= memoryLimitBytes);
        }
        ok(devices.length <= 15);
        equal(devices.reduce((sum, { layerCount }) => sum + layerCount, 0), model.blockCount);
        deepEqual(
          devices.map(({ hasOutput }) => hasOutput),
          devices.map((_, index) => index === devices.length - 1),
        );
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("a model that one device could hold alone is never refused, and gets only that backend", () => {
  fc.assert(
    fc.property(
      anyModel,
      fc.array(fc.integer({ min: 0, max: 90_000 }), { minLength: 1, maxLength: 20 }),
      (model, free) => {
        const wholeBytes = model.fileBytes +
          model.computeBytes({ firstLayer: 0, layerCount: 0, hasOutput: true });
        if (!free.some((freeBytes) => freeBytes >= wholeBytes)) return;
        const backends = free.map((freeBytes, number) => backendOf(number, [{ freeBytes }]));
        equal(planPlacement(model, backends).endpoints.length, 1);
      },
    ),
    { numRuns: 300 },
  );
});
