import { deepEqual, equal } from "node:assert/strict";
import { MIB } from "../../../lib/units.ts";
import {
  isCpuDevice,
  NO_BANNER,
  parseDeviceList,
  readBannerLine,
} from "../../../lib/llama_cpp/ggml_devices.ts";

const BANNER = [
  "load_backend: loaded CUDA backend from /usr/lib/libggml-cuda.so",
  "  Device 0: NVIDIA GeForce RTX 3090, compute capability 8.6, VMM: yes",
  "  CPU: before the banner (1 MiB, 1 MiB free)",
  "Starting RPC server v8.0.0",
  "  endpoint       : 127.0.0.1:50052",
  "  local cache    : n/a",
  "Devices:",
  "  CUDA0: NVIDIA GeForce RTX 3090 (24105 MiB, 23500 MiB free)",
  "  Vulkan1: AMD Radeon 780M Graphics (RADV PHOENIX) (46478 MiB, 46478 MiB free)",
  "  transport      : TCP",
  "Accepted client connection",
  "  CUDA9: after the banner (1 MiB, 1 MiB free)",
];

Deno.test("readBannerLine() collects protocol and devices, and nothing before or after", () => {
  const banner = BANNER.reduce(readBannerLine, NO_BANNER);
  deepEqual(banner, {
    protocol: "8.0.0",
    isComplete: true,
    devices: [
      {
        name: "CUDA0",
        description: "NVIDIA GeForce RTX 3090",
        totalBytes: 24_105 * MIB,
        freeBytes: 23_500 * MIB,
      },
      {
        name: "Vulkan1",
        description: "AMD Radeon 780M Graphics (RADV PHOENIX)",
        totalBytes: 46_478 * MIB,
        freeBytes: 46_478 * MIB,
      },
    ],
  });
});

Deno.test("readBannerLine() is not complete before the last line of the banner", () => {
  equal(BANNER.slice(0, 9).reduce(readBannerLine, NO_BANNER).isComplete, false);
});

Deno.test("parseDeviceList() reads what the server prints of unknown devices", () => {
  const output = "error: unknown device: none-such\navailable devices:\n" +
    "  CPU: Intel(R) Xeon(R) Processor @ 2.50GHz (24105 MiB, 24105 MiB free)\nNo devices found\n";
  deepEqual(parseDeviceList(output).map(({ name, description }) => [name, description]), [
    ["CPU", "Intel(R) Xeon(R) Processor @ 2.50GHz"],
  ]);
  deepEqual(parseDeviceList(""), []);
  deepEqual(parseDeviceList(`  CUDA0: ${"x".repeat(5_000)} (1 MiB, 1 MiB free)`), []);
});

Deno.test("isCpuDevice() knows the devices that compute on the processor", () => {
  deepEqual(["CPU", "BLAS", "CUDA0", "ROCm0", "Vulkan0"].map((name) => isCpuDevice({ name })), [
    true,
    true,
    false,
    false,
    false,
  ]);
});
