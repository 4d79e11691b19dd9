import fc from "fast-check";
import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import {
  type Placement,
  type PlanDevice,
  type PlanModel,
  planPlacement,
} from "../../../lib/planner/placement.ts";
import { GIB } from "../../../lib/units.ts";
import { assignLayers } from "../../fakes/layer_rule.ts";

function modelOf(blockCount: number, layerBytes: number, outputBytes = 0): PlanModel {
  const perLayerBytes = Array.from({ length: blockCount }, () => layerBytes);
  return { name: "m", blockCount, weights: { perLayerBytes, outputBytes, otherBytes: 0 } };
}

function devicesOf(freeBytes: readonly number[]): PlanDevice[] {
  return freeBytes.map((free, index) => ({
    endpoint: `10.0.0.${index + 2}:50052`,
    deviceIndex: 0,
    freeBytes: free,
    totalBytes: free,
  }));
}

function splitOf(model: PlanModel, freeGib: readonly number[], strategy: "auto" | "even" = "auto"): string {
  return planPlacement(model, devicesOf(freeGib.map((gib) => gib * GIB)), { strategy }).tensorSplit.join();
}

const llama70b = modelOf(80, GIB / 2, GIB);

for (
  const { name, freeGib, want } of [
    { name: "equal memory equally, the heavy output layer counted", freeGib: [24, 24, 24], want: "28,27,26" },
    { name: "unequal memory in proportion", freeGib: [24, 16, 8], want: "41,27,13" },
    { name: "one device everything", freeGib: [41], want: "81" },
    { name: "a small device at least one layer", freeGib: [0.6, 50], want: "1,80" },
    { name: "a device too small for any layer none", freeGib: [0.2, 50], want: "81" },
    { name: "memory that fits to the last byte", freeGib: [20, 21], want: "40,41" },
  ]
) {
  Deno.test(`planPlacement() deals ${name}`, () => equal(splitOf(llama70b, freeGib), want));
}

Deno.test("planPlacement() deals evenly on demand, whatever is free", () => {
  equal(splitOf(llama70b, [24, 64, 200], "even"), "27,27,27");
});

Deno.test("planPlacement() weighs layers one by one: heavy layers first leave the first device fewer", () => {
  const perLayerBytes = [4, 4, 1, 1, 1, 1, 1, 1].map((gib) => gib * GIB);
  const model = { name: "moe", blockCount: 8, weights: { perLayerBytes, outputBytes: 0, otherBytes: 0 } };
  equal(splitOf(model, [8, 8]), "2,7");
});

Deno.test("planPlacement() counts KV cache, compute buffer and shared tensors against free memory", () => {
  const model: PlanModel = {
    ...modelOf(2, GIB),
    weights: { perLayerBytes: [GIB, GIB], outputBytes: 0, otherBytes: 100 },
    perLayerKvBytes: [GIB, GIB],
    computeBytes: 1000,
  };
  const [device] = planPlacement(model, devicesOf([4 * GIB + 1100])).devices;
  equal(device!.weightBytes, 2 * GIB + 100);
  equal(device!.needBytes, 4 * GIB + 1100);
  throws(() => planPlacement(model, devicesOf([4 * GIB + 1099])), GatewayError);
});

Deno.test("planPlacement() tells each device's range, and who holds the output layer", () => {
  const { devices, because } = planPlacement(modelOf(8, GIB), devicesOf([10 * GIB, 10 * GIB]));
  deepEqual(
    devices.map(({ name, firstLayer, layerCount, hasOutput }) => ({
      name,
      firstLayer,
      layerCount,
      hasOutput,
    })),
    [
      { name: "RPC0", firstLayer: 0, layerCount: 4, hasOutput: false },
      { name: "RPC1", firstLayer: 4, layerCount: 4, hasOutput: true },
    ],
  );
  equal(
    because,
    '8 layers of "m" over 2 rpc backends in proportion to free memory: ' +
      "4 on 10.0.0.2:50052, 4 and the output layer on 10.0.0.3:50052",
  );
});

Deno.test("planPlacement() uses fewer devices than there are when there are fewer layers", () => {
  const { devices, endpoints } = planPlacement(
    modelOf(2, GIB, GIB),
    devicesOf([9, 8, 7, 6, 5].map((n) => n * GIB)),
  );
  equal(devices.length, 3);
  deepEqual(endpoints, ["10.0.0.2:50052", "10.0.0.3:50052", "10.0.0.4:50052"]);
});

Deno.test("planPlacement() takes the 15 roomiest of 20 devices, because llama.cpp takes no more shares", () => {
  const { tensorSplit, endpoints } = planPlacement(
    llama70b,
    devicesOf(Array.from({ length: 20 }, (_, n) => (n + 5) * GIB)),
  );
  equal(tensorSplit.length, 15);
  ok(!endpoints.includes("10.0.0.2:50052") && endpoints.includes("10.0.0.21:50052"));
});

Deno.test("planPlacement() numbers devices through all of a backend, also those that hold nothing", () => {
  const device = (endpoint: string, deviceIndex: number, gib: number) => (
    { endpoint, deviceIndex, freeBytes: gib * GIB, totalBytes: gib * GIB }
  );
  const { devices, endpoints } = planPlacement(modelOf(4, GIB), [
    device("a:1", 0, 0.1),
    device("b:1", 0, 0.1),
    device("b:1", 1, 5),
    device("c:1", 0, 5),
  ]);
  deepEqual(endpoints, ["b:1", "c:1"]);
  deepEqual(devices.map(({ name, endpoint }) => `${name} ${endpoint}`), ["RPC1 b:1", "RPC2 c:1"]);
});

for (
  const { name, freeGib, says } of [
    {
      name: "memory that is short",
      freeGib: [10, 10],
      says: /^Cannot place "m": needs 41.0 GiB, 2 rpc devices have 20.0 GiB free; add a backend/,
    },
    {
      name: "memory that whole layers cannot use",
      freeGib: Array.from({ length: 15 }, () => 2.9),
      says: /needs 41.0 GiB, 15 rpc devices have 43.5 GiB free, but no split by whole layers fits/,
    },
  ]
) {
  Deno.test(`planPlacement() refuses ${name} with the numbers`, () => {
    throws(() => splitOf(llama70b, freeGib), (error) => {
      ok(error instanceof GatewayError && error.code === "insufficient_memory");
      match(error.message, says);
      return true;
    });
  });
}

Deno.test("planPlacement() without any device says so", () => {
  throws(
    () => planPlacement(llama70b, []),
    (error) => error instanceof GatewayError && error.code === "no_capacity",
  );
});

const anyModel = fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 130 }).chain((
  perLayerBytes,
) =>
  fc.record({ outputBytes: fc.integer({ min: 0, max: 3_000 }), otherBytes: fc.integer({ min: 0, max: 10 }) })
    .map((rest) => ({
      name: "any",
      blockCount: perLayerBytes.length,
      weights: { perLayerBytes, ...rest },
    }))
);
const anyDevices = fc.array(fc.integer({ min: 0, max: 60_000 }), { minLength: 1, maxLength: 20 }).map(
  devicesOf,
);

function placementOrRefusal(model: PlanModel, devices: PlanDevice[]): Placement | undefined {
  try {
    return planPlacement(model, devices);
  } catch (error) {
    ok(error instanceof GatewayError, String(error));
    return undefined;
  }
}

Deno.test("for any model and devices, llama.cpp's rule makes of the split what was planned", () => {
  fc.assert(
    fc.property(anyModel, anyDevices, (model, devices) => {
      const placement = placementOrRefusal(model, devices);
      if (!placement) return;
      const planned = placement.devices.flatMap(({ layerCount, hasOutput }, index) =>
        Array.from({ length: layerCount + (hasOutput ? 1 : 0) }, () => index)
      );
      deepEqual(assignLayers({ blockCount: model.blockCount, tensorSplit: placement.tensorSplit }), planned);
    }),
    { numRuns: 300 },
  );
});

Deno.test("for any model and devices, nobody gets more than is free, and no layer is lost", () => {
  fc.assert(
    fc.property(anyModel, anyDevices, (model, devices) => {
      const placement = placementOrRefusal(model, devices);
      if (!placement) return;
      for (const { needBytes, freeBytes } of placement.devices) ok(needBytes <= freeBytes);
      equal(placement.devices.reduce((sum, { layerCount }) => sum + layerCount, 0), model.blockCount);
      equal(placement.devices.filter(({ hasOutput }) => hasOutput).length, 1);
      ok(placement.devices.at(-1)!.hasOutput);
    }),
    { numRuns: 300 },
  );
});

Deno.test("a model that one device could hold alone is never refused", () => {
  fc.assert(
    fc.property(anyModel, anyDevices, (model, devices) => {
      const { perLayerBytes, outputBytes, otherBytes } = model.weights;
      const allBytes = perLayerBytes.reduce((sum, bytes) => sum + bytes, outputBytes + otherBytes);
      if (!devices.some(({ freeBytes }) => freeBytes >= allBytes)) return;
      ok(placementOrRefusal(model, devices));
    }),
    { numRuns: 300 },
  );
});
