import { deepEqual, throws } from "node:assert/strict";
import { deviceLines, gpuCacheLines } from "../../../systemd/device_access.ts";

const SYSTEM = { manager: "system", version: "1.2.3" } as const;

for (
  const { gpu, want } of [
    { gpu: undefined, want: ["PrivateDevices=yes", "DevicePolicy=closed"] },
    { gpu: "none", want: ["PrivateDevices=yes", "DevicePolicy=closed"] },
    { gpu: "nvidia", want: ["DevicePolicy=closed", "DeviceAllow=char-nvidia* rw"] },
    { gpu: "amd", want: ["DevicePolicy=closed", "DeviceAllow=char-kfd rw", "DeviceAllow=char-drm rw"] },
    { gpu: "intel", want: ["DevicePolicy=closed", "DeviceAllow=char-drm rw"] },
  ] as const
) {
  Deno.test(`deviceLines() opens what GPUs need: ${gpu}`, () =>
    deepEqual(deviceLines({ ...SYSTEM, gpu }), want));
}

Deno.test("deviceLines() adds the groups that there are", () => {
  deepEqual(
    deviceLines({ ...SYSTEM, gpu: "intel", groups: ["render", "video"] }).at(-1),
    "SupplementaryGroups=render video",
  );
});

for (const group of ["", "a b", "render\nUser=root", "1000", "%i", "-x", "x".repeat(40)]) {
  Deno.test(`deviceLines() refuses the group ${JSON.stringify(group)}`, () => {
    throws(() => deviceLines({ ...SYSTEM, groups: [group] }), {
      name: "RangeError",
      message: /^Cannot add the group/,
    });
  });
}

for (
  const { name, options, want } of [
    { name: "needs none without a GPU", options: SYSTEM, want: [] },
    {
      name: "keeps kernels of CUDA, and counts as its driver",
      options: { ...SYSTEM, gpu: "nvidia" },
      want: ["Environment=CUDA_DEVICE_ORDER=PCI_BUS_ID", "Environment=CUDA_CACHE_PATH=%C/x/cuda"],
    },
    {
      name: "keeps those of others",
      options: { ...SYSTEM, gpu: "amd" },
      want: ["Environment=XDG_CACHE_HOME=%C/x"],
    },
    {
      name: "leaves them in the home of a user",
      options: { ...SYSTEM, manager: "user", gpu: "nvidia" },
      want: ["Environment=CUDA_DEVICE_ORDER=PCI_BUS_ID"],
    },
  ] as const
) {
  Deno.test(`gpuCacheLines() ${name}`, () => deepEqual(gpuCacheLines(options, "x"), want));
}
