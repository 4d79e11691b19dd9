import { deepEqual } from "node:assert/strict";
import { findGpuAccess } from "../../../../lib/systemd/gpu_access.ts";
import { FakeUnitHost } from "../../../fakes/fake_unit_host.ts";

const { signal } = new AbortController();

for (
  const { name, prepare, want } of [
    { name: "nothing", prepare: (host: FakeUnitHost) => host, want: { gpu: "none", groups: [] } },
    {
      name: "an AMD card",
      prepare: (host: FakeUnitHost) =>
        host.add("/sys/class/drm/renderD128/device/vendor", "0x1002\n").add("/dev/kfd"),
      want: { gpu: "amd", groups: ["render", "video"] },
    },
    {
      name: "an NVIDIA card beside Intel's graphics",
      prepare: (host: FakeUnitHost) =>
        host.add("/dev/nvidiactl").add("/sys/class/drm/renderD128/device/vendor", "0x8086\n"),
      want: { gpu: "nvidia", groups: ["render", "video"] },
    },
    {
      name: "an NVIDIA card without the driver that computes",
      prepare: (host: FakeUnitHost) => host.add("/sys/class/drm/renderD128/device/vendor", "0x10de\n"),
      want: { gpu: "none", groups: [] },
    },
    {
      name: "a card of a virtual machine",
      prepare: (host: FakeUnitHost) => host.add("/sys/class/drm/renderD128/device/vendor", "0x1af4\n"),
      want: { gpu: "none", groups: [] },
    },
  ]
) {
  Deno.test(`findGpuAccess() finds ${name}`, async () => {
    const host = prepare(new FakeUnitHost());
    host.groups.set("render", 105).set("video", 44);
    for (const name of ["renderD128"]) {
      if (host.files.has(`/sys/class/drm/${name}/device/vendor`)) {
        host.addDirectory(`/sys/class/drm/${name}`);
      }
    }
    deepEqual(await findGpuAccess(host, { wanted: undefined, signal }), want);
  });
}

Deno.test("findGpuAccess() names only groups that exist, and takes the operator's word", async () => {
  const host = new FakeUnitHost();
  host.groups.set("video", 44);
  deepEqual(await findGpuAccess(host, { wanted: "amd", signal }), { gpu: "amd", groups: ["video"] });
  deepEqual(await findGpuAccess(host.add("/dev/kfd"), { wanted: "none", signal }), {
    gpu: "none",
    groups: [],
  });
});
