import { deepEqual, equal } from "node:assert/strict";
import { parseAmdgpu } from "../../../lib/worker/amdgpu_sysfs.ts";

const NONE = {
  vramTotal: undefined,
  vramUsed: undefined,
  busyPercent: undefined,
  temperature: undefined,
  uniqueId: undefined,
  productName: undefined,
  uevent: undefined,
};

Deno.test("parseAmdgpu() reads all that a card tells", () => {
  const files = {
    vramTotal: "17163091968\n",
    vramUsed: "1073741824\n",
    busyPercent: "42\n",
    temperature: "52000\n",
    uniqueId: "ac1b58f8c066790f\n",
    productName: "\n",
    uevent: "DRIVER=amdgpu\nPCI_SLOT_NAME=0000:0b:00.0\n",
  };
  deepEqual(parseAmdgpu(3, files), {
    vendor: "amd",
    index: 3,
    id: "0xac1b58f8c066790f",
    name: undefined,
    totalBytes: 17_163_091_968,
    freeBytes: 16_089_350_144,
    temperatureC: 52,
    utilisation: 0.42,
  });
});

Deno.test("parseAmdgpu() knows nothing of a card that tells no memory", () => {
  equal(parseAmdgpu(0, NONE), undefined);
  equal(parseAmdgpu(0, { ...NONE, vramTotal: "0\n" }), undefined);
  equal(parseAmdgpu(0, { ...NONE, vramTotal: "lots\n" }), undefined);
});

Deno.test("parseAmdgpu() tells cards without an id apart by their place", () => {
  const uevent = "PCI_SLOT_NAME=0000:c4:00.0\n";
  equal(
    parseAmdgpu(1, { ...NONE, vramTotal: "1", uniqueId: "0000000000000000\n", uevent })!.id,
    "pci:0000:c4:00.0",
  );
  equal(parseAmdgpu(1, { ...NONE, vramTotal: "1" })!.id, "amd:1");
});
