import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import { explicitLayerCount } from "../../../lib/planner/deal_explicit.ts";
import { planPlacement } from "../../../lib/planner/placement.ts";
import { InsufficientMemoryError } from "../../../lib/planner/shortage.ts";
import { GIB } from "../../../lib/units.ts";
import {
  backendOf,
  equalLayers,
  gib,
  gpusOf,
  summary,
  weighedModelOf,
} from "../../fixtures/weighed_model.ts";

const llama70b = weighedModelOf({ layers: equalLayers(80, GIB / 2), outputBytes: GIB });
const three = [
  backendOf(0, [{ freeBytes: gib(10) }, { freeBytes: gib(10) }]),
  backendOf(1, [{ freeBytes: gib(10) }]),
  backendOf(2, [{ freeBytes: 0 }]),
];
const eight = weighedModelOf({ layers: equalLayers(8, GIB) });

for (
  const { name, layers, want, split } of [
    {
      name: "exactly so, in the order that was said",
      layers: { "10.0.0.3:50052": 5, "10.0.0.2:50052": 3 },
      want: "3=5 2=3+out",
      split: [5, 4],
    },
    {
      name: "also to another device of a backend",
      layers: { "10.0.0.2:50052/1": 6, "10.0.0.3:50052": 2 },
      want: "2/1=6 3=2+out",
      split: [6, 3],
    },
    {
      name: "without the devices that get none",
      layers: { "10.0.0.2:50052": 4, "10.0.0.4:50052": 0, "10.0.0.3:50052": 4 },
      want: "2=4 3=4+out",
      split: [4, 5],
    },
    {
      name: "only the output layer to the last one",
      layers: { "10.0.0.2:50052/0": 8, "10.0.0.3:50052": 0 },
      want: "2=8 3=0+out",
      split: [8, 1],
    },
  ]
) {
  Deno.test(`planPlacement() as told: ${name}`, () => {
    const placement = planPlacement(eight, three, { strategy: { layers } });
    equal(summary(placement), want);
    deepEqual(placement.tensorSplit, split);
  });
}

const known = gpusOf([10, 10]).map((backend, index) => ({
  ...backend,
  aliases: [`pc${index}:50052`, `localhost:${index}`],
}));

Deno.test("planPlacement() as told: takes any name of a backend, and plans with its own", () => {
  const placement = planPlacement(eight, known, {
    strategy: { layers: { "localhost:1": 3, "pc0:50052": 5 } },
  });
  equal(summary(placement), "3=3 2=5+out");
  deepEqual(placement.endpoints, ["10.0.0.3:50052", "10.0.0.2:50052"]);
});

for (
  const { name, layers, says } of [
    {
      name: "two names of one device",
      layers: { "localhost:0": 4, "pc0:50052": 4 },
      says: /names 10\.0\.0\.2:50052 twice \(localhost:0, pc0:50052\); give each device one number/,
    },
    {
      name: "a device that a backend of another name lacks",
      layers: { "pc0:50052/1": 8 },
      says: /names pc0:50052\/1; no such device/,
    },
  ]
) {
  Deno.test(`planPlacement() as told: refuses ${name}`, () => {
    throws(() => planPlacement(eight, known, { strategy: { layers } }), says);
  });
}

Deno.test("planPlacement() as told: a device without memory has no more by another name", () => {
  const empty = backendOf(0, [{ freeBytes: 0 }], { aliases: ["pc0:1"] });
  throws(
    () => planPlacement(eight, [empty, ...gpusOf([10], 1)], { strategy: { layers: { "pc0:1": 8 } } }),
    /gives layers to pc0:1; it has no memory/,
  );
});

for (
  const { strategy, want } of [
    { strategy: "auto" as const, want: undefined },
    { strategy: "even" as const, want: undefined },
    { strategy: { layers: { "a:1": 3, "b:1/1": 0, "c:1": 5 } }, want: 8 },
    { strategy: { layers: {} }, want: 0 },
  ]
) {
  Deno.test(`explicitLayerCount() of ${JSON.stringify(strategy)} is ${want}`, () => {
    equal(explicitLayerCount(strategy), want);
  });
}

for (
  const { name, layers, says } of [
    {
      name: "an unknown backend",
      layers: { "10.9.9.9:1": 8 },
      says: /names 10\.9\.9\.9:1; no such device.*10\.0\.0\.2/,
    },
    { name: "an unknown device", layers: { "10.0.0.3:50052/7": 8 }, says: /names 10\.0\.0\.3:50052\/7/ },
    { name: "too few layers", layers: { "10.0.0.2:50052": 7 }, says: /deals 7 layers; the model has 8/ },
    { name: "too many layers", layers: { "10.0.0.2:50052": 9 }, says: /deals 9 layers/ },
    { name: "none at all", layers: {}, says: /deals 0 layers/ },
    {
      name: "a negative number",
      layers: { "10.0.0.2:50052": 9, "10.0.0.3:50052": -1 },
      says: /gives 10\.0\.0\.3:50052 -1 layers/,
    },
    { name: "no number", layers: { "10.0.0.2:50052": NaN }, says: /NaN layers/ },
    {
      name: "a device without memory",
      layers: { "10.0.0.2:50052": 4, "10.0.0.4:50052": 4 },
      says: /gives layers to 10\.0\.0\.4:50052; it has no memory/,
    },
    {
      name: "one device by two names",
      layers: { "10.0.0.2:50052": 4, "10.0.0.2:50052/0": 4 },
      says: /names 10\.0\.0\.2:50052\/0 twice \(10\.0\.0\.2:50052, 10\.0\.0\.2:50052\/0\)/,
    },
  ]
) {
  Deno.test(`planPlacement() as told: refuses ${name}`, () => {
    throws(() => planPlacement(eight, three, { strategy: { layers } }), (error) => {
      ok(error instanceof GatewayError && error.code === "invalid_request", String(error));
      match(error.message, says);
      return true;
    });
  });
}

Deno.test("planPlacement() as told: refuses more devices than llama.cpp takes shares", () => {
  const backends = gpusOf(Array.from({ length: 16 }, () => 10));
  const layers = Object.fromEntries(backends.map(({ endpoint }) => [endpoint, 5]));
  throws(
    () => planPlacement(llama70b, backends, { strategy: { layers } }),
    /names 16 devices; .* 15 at most/,
  );
});

Deno.test("planPlacement() as told: refuses with the numbers what does not fit", () => {
  const layers = { "10.0.0.2:50052": 2, "10.0.0.3:50052": 6 };
  const model = weighedModelOf({ layers: equalLayers(8, gib(2)) });
  throws(() => planPlacement(model, three, { strategy: { layers } }), (error) => {
    ok(error instanceof InsufficientMemoryError);
    match(error.message, /10\.0\.0\.3:50052 has 10\.0 GiB for a share of 12\.0 GiB; 2\.00? GiB are missing/);
    equal(error.shortage.neededBackendBytes, undefined);
    return true;
  });
});
