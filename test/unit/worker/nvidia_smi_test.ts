import { deepEqual, equal, throws } from "node:assert/strict";
import { MIB } from "../../../lib/units.ts";
import { parseNvidiaSmi } from "../../../lib/worker/nvidia_smi.ts";

/** After outputs that users have posted: dialogues of the same form, with other cards. */
const recorded = (name: string) =>
  Deno.readTextFileSync(new URL(`../../fixtures/nvidia_smi/${name}`, import.meta.url));

Deno.test("parseNvidiaSmi() reads a GPU with all its figures", () => {
  deepEqual(parseNvidiaSmi(recorded("one_gpu.csv")), [{
    vendor: "nvidia",
    index: 0,
    id: "GPU-10fb0fbd-2696-43f3-467f-d280d906a107",
    name: "NVIDIA GeForce RTX 3090",
    totalBytes: 24_576 * MIB,
    freeBytes: 23_868 * MIB,
    temperatureC: 41,
    utilisation: 0.03,
  }]);
});

Deno.test("parseNvidiaSmi() reads several in their order", () => {
  const gpus = parseNvidiaSmi(recorded("three_gpus.csv"));
  deepEqual(gpus.map(({ index, freeBytes, utilisation }) => [index, freeBytes! / MIB, utilisation]), [
    [0, 23_868, 0],
    [1, 4_012, 0.97],
    [2, 15_929, 1],
  ]);
});

Deno.test("parseNvidiaSmi() knows no memory of a GPU that uses the RAM", () => {
  const [gpu] = parseNvidiaSmi(recorded("unified_memory.csv"));
  deepEqual([gpu!.name, gpu!.totalBytes, gpu!.freeBytes, gpu!.temperatureC], [
    "NVIDIA GB10",
    undefined,
    undefined,
    35,
  ]);
});

Deno.test("parseNvidiaSmi() leaves out what the driver does not support", () => {
  const [gpu] = parseNvidiaSmi(recorded("not_supported.csv"));
  deepEqual([gpu!.freeBytes, gpu!.utilisation, gpu!.temperatureC], [15_253 * MIB, undefined, undefined]);
});

Deno.test("parseNvidiaSmi() passes over a GPU that is lost and keeps the others", () => {
  deepEqual(parseNvidiaSmi(recorded("fallen_off_the_bus.csv")).map(({ index }) => index), [1]);
});

for (
  const [name, says] of [
    ["driver_mismatch.txt", /^RangeError: Failed to initialize NVML: Driver\/library version mismatch$/],
    ["no_driver.txt", /couldn't communicate with the NVIDIA driver/],
    ["no_devices.txt", /No devices were found/],
  ] as const
) {
  Deno.test(`parseNvidiaSmi() repeats what it is told instead of figures: ${name}`, () => {
    throws(() => parseNvidiaSmi(recorded(name)), says);
  });
}

Deno.test("parseNvidiaSmi() survives what no driver says", () => {
  deepEqual(parseNvidiaSmi(""), []);
  deepEqual(parseNvidiaSmi("\n \n"), []);
  throws(() => parseNvidiaSmi("x".repeat(1e6)), (error: Error) => error.message.length === 200);
  const [lying] = parseNvidiaSmi("0, nonsense, A, card, with commas, 100, 900, 250, -5");
  equal(lying!.id, "nvidia:0");
  equal(lying!.name, "A, card, with commas");
  deepEqual([lying!.totalBytes, lying!.freeBytes], [100 * MIB, 100 * MIB]);
  deepEqual([lying!.utilisation, lying!.temperatureC], [1, undefined]);
});
