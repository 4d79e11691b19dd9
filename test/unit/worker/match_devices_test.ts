import { deepEqual, equal } from "node:assert/strict";
import { GIB, MIB } from "../../../lib/units.ts";
import { toReportedDevice, visibleGpus } from "../../../lib/worker/match_devices.ts";
import { parseNvidiaSmi } from "../../../lib/worker/nvidia_smi.ts";
import { parseRocmSmi } from "../../../lib/worker/rocm_smi.ts";

const recorded = (path: string) => Deno.readTextFileSync(new URL(`../../fixtures/${path}`, import.meta.url));
const nvidia = parseNvidiaSmi(recorded("nvidia_smi/three_gpus.csv"));
const amd = parseRocmSmi(recorded("rocm_smi/rx_7900_xt.json"));
const host = { totalBytes: 128 * GIB, availableBytes: 100 * GIB, cpuCount: 8, load1m: 1 };

function device(name: string, description: string, totalBytes = 24_100 * MIB) {
  return { name, description, totalBytes, freeBytes: totalBytes };
}

const RTX_3090 = "NVIDIA GeForce RTX 3090";

Deno.test("toReportedDevice() says of a CPU what the kernel says is available", () => {
  deepEqual(toReportedDevice(device("CPU", "Intel(R) Xeon(R)", 128 * GIB), { host, gpus: nvidia }), {
    name: "CPU",
    description: "Intel(R) Xeon(R)",
    kind: "cpu",
    total_bytes: 128 * GIB,
    free_bytes: 100 * GIB,
    memory_key: "ram",
  });
});

Deno.test("toReportedDevice() takes the driver's figures of the GPU with the device's number and name", () => {
  deepEqual(toReportedDevice(device("CUDA1", RTX_3090), { host, gpus: nvidia }), {
    name: "CUDA1",
    description: RTX_3090,
    kind: "gpu",
    total_bytes: 24_100 * MIB,
    free_bytes: 4_012 * MIB,
    memory_key: nvidia[1]!.id,
    temperature_c: 71,
    utilisation: 0.97,
  });
});

for (
  const { name, of, gpus, key } of [
    {
      name: "goes by the name where the numbers differ",
      of: device("CUDA0", "NVIDIA GeForce RTX 4060 Ti", 15_900 * MIB),
      gpus: nvidia,
      key: nvidia[2]!.id,
    },
    {
      name: "finds a Vulkan device by its name",
      of: device("Vulkan4", "AMD Radeon RX 7900 XT (RADV NAVI31)", 20 * GIB),
      gpus: [...nvidia, ...amd],
      key: amd[0]!.id,
    },
    {
      name: "gives one card the same memory under two backends",
      of: device("Vulkan0", RTX_3090),
      gpus: nvidia,
      key: nvidia[0]!.id,
    },
    {
      name: "finds a ROCm device whose driver puts no vendor before its name",
      of: device("ROCm0", "AMD Radeon RX 7900 XT", 20 * GIB),
      gpus: amd,
      key: amd[0]!.id,
    },
    {
      name: "takes a card without a name by its number",
      of: device("ROCm0", "AMD Radeon RX 7900 XT", 20 * GIB),
      gpus: [{ ...amd[0]!, name: undefined }],
      key: amd[0]!.id,
    },
    {
      name: "does not take another vendor's card",
      of: device("ROCm0", "AMD Radeon RX 7900 XT"),
      gpus: nvidia,
      key: "gpu:ROCm0",
    },
    {
      name: "does not take another card of the same vendor",
      of: device("CUDA0", "Tesla P40"),
      gpus: nvidia,
      key: "gpu:CUDA0",
    },
    {
      name: "knows no driver for a device of another kind",
      of: device("SYCL0", "Intel(R) Arc(TM) A770"),
      gpus: nvidia,
      key: "gpu:SYCL0",
    },
  ]
) {
  Deno.test(`toReportedDevice() ${name}`, () => {
    equal(toReportedDevice(of, { host, gpus }).memory_key, key);
  });
}

Deno.test("toReportedDevice() counts a GPU without own memory to the RAM", () => {
  const gpus = parseNvidiaSmi(recorded("nvidia_smi/unified_memory.csv"));
  const { total_bytes, free_bytes, memory_key, temperature_c } = toReportedDevice(
    device("CUDA0", "NVIDIA GB10", 122_000 * MIB),
    { host, gpus },
  );
  deepEqual({ total_bytes, free_bytes, memory_key, temperature_c }, {
    total_bytes: 122_000 * MIB,
    free_bytes: 100 * GIB,
    memory_key: "ram",
    temperature_c: 35,
  });
});

Deno.test("toReportedDevice() counts an integrated GPU to the RAM if it offers more than its own memory", () => {
  const gpus = [{ ...amd[0]!, name: undefined, totalBytes: 512 * MIB, freeBytes: 50 * MIB }];
  const reported = toReportedDevice(device("Vulkan0", "AMD Radeon 780M Graphics", 46_000 * MIB), {
    host,
    gpus,
  });
  deepEqual([reported.memory_key, reported.free_bytes], ["ram", 46_000 * MIB]);
});

Deno.test("toReportedDevice() offers of a slice of a GPU no more than the slice", () => {
  const reported = toReportedDevice(device("CUDA0", RTX_3090, 5_000 * MIB), { host, gpus: nvidia });
  deepEqual([reported.total_bytes, reported.free_bytes], [5_000 * MIB, 5_000 * MIB]);
});

for (
  const [visible, indexes] of [
    [undefined, [0, 1, 2]],
    ["2,0", [2, 0]],
    ["GPU-d1df4664", [1]],
    ["1,9,0", [1]],
    ["1,1", [1]],
    ["", []],
    ["-1", []],
    ["NoDevFiles", []],
  ] as const
) {
  Deno.test(`visibleGpus() of ${JSON.stringify(visible)} are ${JSON.stringify(indexes)}`, () => {
    deepEqual(visibleGpus(nvidia, visible).map(({ index }) => index), indexes);
  });
}
