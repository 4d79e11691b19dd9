import { deepEqual, equal } from "node:assert/strict";
import { magicPacket } from "../../../lib/nodes/magic_packet.ts";
import { parseMac } from "../../../lib/nodes/wake_target.ts";

for (
  const { name, mac, bytes } of [
    { name: "an address", mac: "01:23:45:67:89:ab", bytes: [0x01, 0x23, 0x45, 0x67, 0x89, 0xab] },
    { name: "the lowest address", mac: "00:00:00:00:00:00", bytes: [0, 0, 0, 0, 0, 0] },
    { name: "the highest address", mac: "ff:ff:ff:ff:ff:ff", bytes: [255, 255, 255, 255, 255, 255] },
    {
      name: "an address as people write it",
      mac: parseMac(" A0-B1-C2-D3-E4-0F "),
      bytes: [160, 177, 194, 211, 228, 15],
    },
  ]
) {
  Deno.test(`a magic packet is 6 bytes of 255, then 16 times ${name}`, () => {
    const packet = magicPacket(mac);
    equal(packet.byteLength, 102);
    deepEqual([...packet.subarray(0, 6)], [255, 255, 255, 255, 255, 255]);
    for (let at = 6; at < 102; at += 6) deepEqual([...packet.subarray(at, at + 6)], bytes);
  });
}
