import fc from "fast-check";
import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import { explicitLayerCount } from "../../../lib/planner/deal_explicit.ts";
import type { PlanModel } from "../../../lib/planner/model_need.ts";
import { type Placement, planPlacement } from "../../../lib/planner/placement.ts";
import type { PlanBackend } from "../../../lib/planner/plan_input.ts";
import { InsufficientMemoryError } from "../../../lib/planner/shortage.ts";
import { GIB } from "../../../lib/units.ts";
import { assignLayers } from "../../fakes/layer_rule.ts";
import { backendOf, equalLayers, gpusOf, weighedModelOf } from "../../fixtures/weighed_model.ts";

const gib = (count: number): number => count * GIB;
const llama70b = weighedModelOf({ layers: equalLayers(80, GIB / 2), outputBytes: GIB });

/** `10.0.0.2=28 10.0.0.3=27+out`: what holds something, without the port. */
function summary({ devices }: Placement): string {
  return devices.map(({ endpoint, deviceIndex, layerCount, hasOutput }) =>
    `${endpoint.replace(/^10\.0\.0\.|:50052$/g, "")}/${deviceIndex}=${layerCount}${hasOutput ? "+out" : ""}`
      .replace(/:50052|\/0/g, "")
  ).join(" ");
}

for (
  const { name, freeGib, want } of [
    { name: "what one backend holds onto that alone", freeGib: [20, 41, 20], want: "3=80+out" },
    { name: "onto the largest of those that each hold it", freeGib: [42, 50, 60], want: "4=80+out" },
    {
      name: "equal memory equally, the heavy output layer counted",
      freeGib: [14, 14, 14],
      want: "2=28 3=27 4=25+out",
    },
    { name: "unequal memory in proportion", freeGib: [24, 12, 8], want: "2=45 3=22 4=13+out" },
    { name: "onto two of three if these suffice", freeGib: [10, 24, 24], want: "3=41 4=39+out" },
    { name: "memory that fits to the last byte", freeGib: [20, 21], want: "2=40 3=40+out" },
    { name: "nothing to a device that holds no layer", freeGib: [0.2, 41, 0], want: "3=80+out" },
  ]
) {
  Deno.test(`planPlacement() deals ${name}`, () => {
    equal(summary(planPlacement(llama70b, gpusOf(freeGib))), want);
  });
}

Deno.test("planPlacement() weighs layers one by one: heavy layers first leave the first device fewer", () => {
  const model = weighedModelOf({ layers: [4, 4, 1, 1, 1, 1, 1, 1].map(gib) });
  equal(summary(planPlacement(model, gpusOf([8, 8]))), "2=2 3=6+out");
});

Deno.test("planPlacement() puts a backend last that alone has room for the output layer", () => {
  const model = weighedModelOf({ layers: equalLayers(8, GIB), outputBytes: gib(6) });
  const { devices, reasons } = planPlacement(model, gpusOf([10, 5]));
  deepEqual(devices.map(({ endpoint, hasOutput }) => [endpoint, hasOutput]), [
    ["10.0.0.3:50052", false],
    ["10.0.0.2:50052", true],
  ]);
  ok(reasons.length > 0);
});

Deno.test("planPlacement() counts a backend with two GPUs as one hop", () => {
  const two = backendOf(3, [{ freeBytes: gib(24) }, { freeBytes: gib(24) }]);
  const { devices, endpoints } = planPlacement(llama70b, [...gpusOf([24, 24]), two]);
  deepEqual(endpoints, ["10.0.0.5:50052"]);
  deepEqual(devices.map(({ name, layerCount }) => [name, layerCount]), [["RPC0", 41], ["RPC1", 39]]);
});

Deno.test("planPlacement() takes GPUs before CPUs, though these have more memory", () => {
  const cpu = backendOf(0, [{ freeBytes: gib(30), kind: "cpu" }]);
  const { endpoints } = planPlacement(llama70b, [cpu, ...gpusOf([24, 24], 1)]);
  deepEqual(endpoints, ["10.0.0.3:50052", "10.0.0.4:50052"]);
});

Deno.test("planPlacement() leaves the CPU of a backend out if its GPU suffices", () => {
  const both = backendOf(0, [{ freeBytes: gib(128), kind: "cpu" }, { freeBytes: gib(48) }]);
  const { devices, tensorSplit } = planPlacement(llama70b, [both]);
  deepEqual(devices.map(({ name, kind }) => [name, kind]), [["RPC1", "gpu"]]);
  deepEqual(tensorSplit, [81]);
});

Deno.test("planPlacement() gives a CPU only what GPUs have no room for", () => {
  const both = backendOf(0, [{ freeBytes: gib(30) }, { freeBytes: gib(128), kind: "cpu" }]);
  equal(summary(planPlacement(llama70b, [both])), "2=60 2/1=20+out");
});

Deno.test("planPlacement() keeps the reserve of each device free", () => {
  const model = weighedModelOf({ layers: equalLayers(10, GIB) });
  const { devices } = planPlacement(model, gpusOf([6, 6]), { reserveBytes: GIB });
  deepEqual(devices.map(({ freeAfterBytes }) => freeAfterBytes), [GIB, GIB]);
  throws(() => planPlacement(model, gpusOf([5.9, 6]), { reserveBytes: GIB }), InsufficientMemoryError);
});

Deno.test("planPlacement() counts weights, KV cache, compute buffer and shared tensors against free memory", () => {
  const model = weighedModelOf({
    layers: [GIB, GIB],
    otherBytes: 100,
    computeBytes: 1000,
    kvBytesPerToken: GIB / 4096,
  });
  const bytes = 4 * GIB + 1100;
  const [device] = planPlacement(model, [backendOf(0, [{ freeBytes: bytes }])]).devices;
  equal(device!.weightBytes, 2 * GIB + 100);
  equal(device!.kvBytes, 2 * GIB);
  equal(device!.computeBytes, 1000);
  equal(device!.needBytes, bytes);
  equal(device!.freeAfterBytes, 0);
  throws(() => planPlacement(model, [backendOf(0, [{ freeBytes: bytes - 1 }])]), InsufficientMemoryError);
});

Deno.test("planPlacement() honours the limit of a backend for all its devices together", () => {
  const limited = backendOf(0, [{ freeBytes: gib(30) }, { freeBytes: gib(30) }], {
    memoryLimitBytes: gib(20),
  });
  const { devices } = planPlacement(llama70b, [limited, ...gpusOf([30], 1)]);
  const takenBytes = devices.filter(({ endpoint }) => endpoint === limited.endpoint)
    .reduce((sum, { needBytes }) => sum + needBytes, 0);
  ok(takenBytes <= gib(20) && takenBytes > gib(10), `${takenBytes / GIB}`);
});

Deno.test("planPlacement() counts memory once that rpc backends of one host share", () => {
  const onOneHost = [0, 1, 2].map((number) =>
    backendOf(number, [{ freeBytes: gib(30), memoryKey: "host/ram", kind: "cpu" }])
  );
  throws(() => planPlacement(llama70b, onOneHost), (error) => {
    ok(error instanceof InsufficientMemoryError);
    equal(error.shortage.freeBytes, gib(30));
    return true;
  });
  const { devices } = planPlacement(llama70b, [...onOneHost, ...gpusOf([12], 3)]);
  equal(
    new Set(devices.map(({ endpoint }) => endpoint)).size,
    2,
    "one of the three is enough for all their memory",
  );
});

Deno.test("planPlacement() tells what is left of shared memory after all that is put there", () => {
  const onOneHost = [0, 1].map((number) =>
    backendOf(number, [{ freeBytes: gib(30), memoryKey: "host/ram" }])
  );
  const model = weighedModelOf({ layers: equalLayers(10, GIB) });
  const { devices, reasons } = planPlacement(model, onOneHost, { strategy: "even" });
  deepEqual(devices.map(({ freeAfterBytes }) => freeAfterBytes), [gib(20), gib(20)]);
  ok(
    reasons.includes("10.0.0.2:50052, 10.0.0.3:50052 share their memory: it counts once"),
    reasons.join("\n"),
  );
});

Deno.test("planPlacement() tells each device's range, and who holds the output layer", () => {
  const { devices, because } = planPlacement(weighedModelOf({ layers: equalLayers(8, GIB) }), gpusOf([5, 5]));
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

Deno.test("planPlacement() says why: what is not needed, what is kept free, whose memory is doubtful", () => {
  const liar = backendOf(0, [{ freeBytes: gib(45), totalBytes: gib(45), kind: "cpu" }]);
  const { reasons } = planPlacement(llama70b, [liar, ...gpusOf([12], 1)], { reserveBytes: GIB });
  deepEqual(reasons, [
    "10.0.0.2:50052 holds the whole model: one network hop",
    "Not needed: 10.0.0.3:50052 (gpu, 12.0 GiB free)",
    "1.0 GiB of each memory is kept free",
    "10.0.0.2:50052 counts all RAM of its host as free, as CPUs do that no worker measures: " +
    "leave room for what else runs there",
  ]);
});

const HOST = "ram of this host";
const onHost = (number: number, freeGib: number): PlanBackend =>
  backendOf(number, [{ freeBytes: gib(freeGib), kind: "cpu", memoryKey: HOST }]);
const hosted = weighedModelOf({ layers: equalLayers(8, GIB), embeddingBytes: GIB, hostComputeBytes: GIB });

Deno.test("planPlacement() says what the coordinator's host needs, by the devices that hold something", () => {
  const both = planPlacement(hosted, gpusOf([5, 5]));
  equal(both.hostBytes, gib(3));
  ok(
    both.reasons.includes(
      "1.0 GiB of embeddings and 2.0 GiB for computing stay on the coordinator's host",
    ),
    both.reasons.join("\n"),
  );
  equal(planPlacement(hosted, gpusOf([9])).hostBytes, gib(2));
});

for (
  const { name, hostFreeBytes, warns } of [
    { name: "warns of", hostFreeBytes: gib(2) - 1, warns: true },
    { name: "does not mention", hostFreeBytes: gib(2), warns: false },
    { name: "does not guess", hostFreeBytes: undefined, warns: false },
  ]
) {
  Deno.test(`planPlacement() ${name} a coordinator's host with ${hostFreeBytes} bytes for 2 GiB`, () => {
    const { reasons } = planPlacement(hosted, gpusOf([9]), { hostFreeBytes });
    const warning = "The coordinator's host has only 2.0 GiB available for these 2.0 GiB: it may swap; " +
      "free memory there, or lower the context or the slots";
    equal(reasons.includes(warning), warns, reasons.join("\n"));
  });
}

Deno.test("planPlacement() takes what the coordinator needs off the memory of its own host, once", () => {
  const options = { hostMemoryKey: HOST, reserveBytes: GIB };
  const { devices, reasons } = planPlacement(hosted, [onHost(0, 12)], options);
  equal(devices[0]!.freeBytes, gib(12));
  equal(devices[0]!.freeAfterBytes, gib(12) - gib(8) - gib(3));
  ok(
    reasons.includes(
      "10.0.0.2:50052 is on the coordinator's own host, which takes up to 3.0 GiB of its memory",
    ),
    reasons.join("\n"),
  );
  const spread = planPlacement(hosted, [onHost(0, 8), onHost(1, 8), ...gpusOf([5], 2)], options);
  const takenBytes = spread.devices.filter(({ endpoint }) => endpoint !== "10.0.0.4:50052")
    .reduce((sum, { needBytes }) => sum + needBytes, 0);
  ok(takenBytes <= gib(8 - 3 - 1), `${takenBytes / GIB}`);
});

Deno.test("planPlacement() refuses what fits only without the coordinator on the same host, with the numbers", () => {
  throws(() => planPlacement(hosted, [onHost(0, 10)], { hostMemoryKey: HOST }), (error) => {
    ok(error instanceof InsufficientMemoryError);
    match(
      error.message,
      /1 rpc backend has 7\.0\d* GiB free beside 3\.0\d* GiB for the coordinator itself; 1\.0/,
    );
    equal(error.shortage.missingBytes, GIB);
    return true;
  });
  planPlacement(hosted, [onHost(0, 10)], { hostMemoryKey: "ram of 10.0.0.2" });
});

Deno.test("planPlacement() counts as missing what the coordinator lacks on its own host, too", () => {
  const options = { hostMemoryKey: HOST, reserveBytes: GIB };
  throws(() => planPlacement(hosted, [onHost(0, 3)], options), (error) => {
    ok(error instanceof InsufficientMemoryError);
    equal(error.shortage.missingBytes, gib(8 + 1));
    return true;
  });
  planPlacement(hosted, [onHost(0, 3 + 9)], options);
});

Deno.test("planPlacement() counts with what the coordinator needs less when it suggests a smaller context", () => {
  const model = {
    ...hosted,
    hostBytes: gib(3),
    reshape: (shape: PlanModel["shape"]) => ({
      ...hosted,
      shape,
      hostBytes: shape.contextSize / 4096 * gib(3),
    }),
  };
  throws(() => planPlacement(model, [onHost(0, 10)], { hostMemoryKey: HOST }), (error) => {
    ok(error instanceof InsufficientMemoryError);
    equal(error.shortage.fittingContextSize, Math.floor(4096 * 2 / 3 / 256) * 256);
    return true;
  });
});

Deno.test("planPlacement() warns of a context above what the model was trained with", () => {
  const model = weighedModelOf({ layers: [GIB], shape: { contextSize: 200_000 } });
  ok(planPlacement(model, gpusOf([4])).reasons.some((reason) => /above the 131072/.test(reason)));
});

Deno.test("planPlacement() estimates the load: weights go to one backend after another", () => {
  const backends = gpusOf([10, 10]).map((backend) => ({ ...backend, bytesPerSecond: 100e6 }));
  const model = weighedModelOf({ layers: equalLayers(12, 1e9) });
  equal(planPlacement(model, backends).loadMs, 120_000);
  equal(planPlacement(model, [backends[0]!, ...gpusOf([10], 1)]).loadMs, undefined);
});

Deno.test("planPlacement() uses fewer devices than there are when there are fewer layers", () => {
  const model = weighedModelOf({ layers: [gib(4), gib(4)], outputBytes: gib(4) });
  equal(summary(planPlacement(model, gpusOf([4, 4, 4, 4]), { strategy: "even" })), "2=1 3=1 4=0+out");
});

Deno.test("planPlacement() takes the 15 roomiest of 20 devices, because llama.cpp takes no more shares", () => {
  const backends = gpusOf(Array.from({ length: 20 }, (_, number) => number + 5));
  const { tensorSplit, endpoints, reasons } = planPlacement(llama70b, backends, { strategy: "even" });
  equal(tensorSplit.length, 15);
  ok(!endpoints.includes("10.0.0.2:50052") && endpoints.includes("10.0.0.21:50052"));
  ok(reasons.some((reason) => reason.startsWith("15 of 20 devices are used")), reasons.join("\n"));
});

Deno.test("planPlacement() numbers devices through all of a backend, also those that hold nothing", () => {
  const backends = [
    backendOf(0, [{ freeBytes: 0 }]),
    backendOf(1, [{ freeBytes: 0 }, { freeBytes: gib(5), name: "CUDA1" }]),
    backendOf(2, [{ freeBytes: gib(5) }]),
  ];
  const { devices, endpoints } = planPlacement(weighedModelOf({ layers: equalLayers(8, GIB) }), backends);
  deepEqual(endpoints, ["10.0.0.3:50052", "10.0.0.4:50052"]);
  deepEqual(devices.map(({ name, endpoint, deviceName }) => [name, endpoint, deviceName]), [
    ["RPC1", "10.0.0.3:50052", "CUDA1"],
    ["RPC2", "10.0.0.4:50052", undefined],
  ]);
});

Deno.test("planPlacement() evenly: the same number to each device of all backends, whatever is free", () => {
  equal(summary(planPlacement(llama70b, gpusOf([24, 64, 200]), { strategy: "even" })), "2=27 3=27 4=26+out");
});

Deno.test("planPlacement() evenly: gives the odd layer to whom it fits", () => {
  const model = weighedModelOf({ layers: equalLayers(3, GIB), outputBytes: GIB });
  equal(summary(planPlacement(model, gpusOf([1, 1, 2]), { strategy: "even" })), "2=1 3=1 4=1+out");
});

Deno.test("planPlacement() evenly: refuses what does not fit, names the device, and says that auto would", () => {
  throws(() => planPlacement(llama70b, gpusOf([4, 64]), { strategy: "even" }), (error) => {
    ok(error instanceof InsufficientMemoryError);
    match(error.message, /10\.0\.0\.2:50052 has 4\.0 GiB for a share of 20\.5 GiB; 16\.5 GiB are missing/);
    match(error.message, /It fits with placement auto/);
    equal(error.shortage.fitsWithAuto, true);
    return true;
  });
});

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

for (
  const { name, backends } of [
    { name: "any backend", backends: [] },
    { name: "any device", backends: [backendOf(0, [])] },
  ]
) {
  Deno.test(`planPlacement() without ${name} says so`, () => {
    throws(
      () => planPlacement(llama70b, backends),
      (error) => error instanceof GatewayError && error.code === "no_capacity",
    );
  });
}

for (const freeBytes of [0, -GIB, NaN, Infinity]) {
  Deno.test(`planPlacement() takes ${freeBytes} bytes for no memory`, () => {
    throws(() => planPlacement(llama70b, [backendOf(0, [{ freeBytes }])]), InsufficientMemoryError);
    const { reasons, endpoints } = planPlacement(llama70b, [
      backendOf(0, [{ freeBytes }]),
      ...gpusOf([50], 1),
    ]);
    deepEqual(endpoints, ["10.0.0.3:50052"]);
    ok(reasons.includes("10.0.0.2:50052 has no memory to plan with"), reasons.join("\n"));
  });
}

Deno.test("planPlacement() counts a backend once that is listed twice", () => {
  const [one] = gpusOf([30]);
  throws(() => planPlacement(llama70b, [one!, one!]), InsufficientMemoryError);
});

for (const reserveBytes of [-1, NaN, Infinity]) {
  Deno.test(`planPlacement() refuses a reserve of ${reserveBytes} bytes`, () => {
    throws(
      () => planPlacement(llama70b, gpusOf([50]), { reserveBytes }),
      (error) => error instanceof GatewayError && error.code === "invalid_request",
    );
  });
}

Deno.test("planPlacement() chooses the fewest of a thousand backends", () => {
  const backends = gpusOf(Array.from({ length: 1_000 }, (_, number) => 1 + number % 16));
  equal(planPlacement(llama70b, backends).endpoints.length, 3);
});

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
