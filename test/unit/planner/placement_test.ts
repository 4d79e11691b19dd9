import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
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
