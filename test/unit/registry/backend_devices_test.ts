import { deepEqual } from "node:assert/strict";
import { devicesOf, type KnownDevices } from "../../../lib/registry/backend_devices.ts";
import type { ReportedDevice } from "../../../lib/rpc/worker_report.ts";
import { GIB } from "../../../lib/units.ts";

const GPU: ReportedDevice = {
  name: "CUDA0",
  description: "NVIDIA GeForce RTX 3090",
  kind: "gpu",
  total_bytes: 24 * GIB,
  free_bytes: 20 * GIB,
  memory_key: "GPU-1",
  temperature_c: 61,
  utilisation: 0.5,
};

function known(rest: Partial<KnownDevices>): KnownDevices {
  return { endpoint: "a:1", host: "10.0.0.1", memories: [], hostFreeBytes: undefined, said: [], ...rest };
}

function memory(freeGib: number, totalGib: number) {
  return { freeBytes: freeGib * GIB, totalBytes: totalGib * GIB };
}

for (
  const { name, facts, want } of [
    {
      name: "takes a device with all its memory free for a CPU, which draws from its host's RAM",
      facts: { memories: [memory(24, 24)] },
      want: ["cpu", 24, 24, "ram of 10.0.0.1"],
    },
    {
      name: "takes any other device for a GPU with memory of its own",
      facts: { memories: [memory(22, 24)] },
      want: ["gpu", 22, 24, "a:1/0"],
    },
    {
      name: "plans with what this host's kernel has left",
      facts: { memories: [memory(24, 24)], host: "this host", hostFreeBytes: 9 * GIB },
      want: ["cpu", 9, 24, "ram of this host"],
    },
    {
      name: "does not take RAM for the memory of a GPU",
      facts: { memories: [memory(22, 24)], hostFreeBytes: 9 * GIB },
      want: ["gpu", 22, 24, "a:1/0"],
    },
    {
      name: "believes a worker that has less",
      facts: { memories: [memory(22, 24)], said: [GPU] },
      want: ["gpu", 20, 24, "GPU-1 of 10.0.0.1"],
    },
    {
      name: "does not believe a worker that has more",
      facts: { memories: [memory(2, 4)], said: [{ ...GPU, total_bytes: 9e13, free_bytes: 9e13 }] },
      want: ["gpu", 2, 4, "GPU-1 of 10.0.0.1"],
    },
    {
      name: "believes a worker that a device with all its memory free is a GPU",
      facts: { memories: [memory(24, 24)], said: [GPU], hostFreeBytes: 9 * GIB },
      want: ["gpu", 20, 24, "GPU-1 of 10.0.0.1"],
    },
    {
      name: "never has more free than there is",
      facts: { memories: [memory(30, 24)] },
      want: ["gpu", 24, 24, "a:1/0"],
    },
  ] as const
) {
  Deno.test(`devicesOf() ${name}`, () => {
    const [device] = devicesOf(known(facts));
    const { kind, freeBytes, totalBytes, memoryKey } = device!;
    deepEqual([kind, freeBytes / GIB, totalBytes / GIB, memoryKey], want);
  });
}

Deno.test("devicesOf() has as many devices as the backend says, whatever its worker claims", () => {
  const devices = devicesOf(known({ memories: [memory(1, 2), memory(2, 3)], said: [GPU, GPU, GPU] }));
  deepEqual(devices.map(({ index, name }) => [index, name]), [[0, "CUDA0"], [1, "CUDA0"]]);
  deepEqual(devicesOf(known({ said: [GPU] })), []);
});

Deno.test("devicesOf() tells what only a worker knows", () => {
  const [device] = devicesOf(known({ memories: [memory(22, 24)], said: [GPU] }));
  const { name, description, temperatureC, utilisation } = device!;
  deepEqual([name, description, temperatureC, utilisation], ["CUDA0", "NVIDIA GeForce RTX 3090", 61, 0.5]);
});
