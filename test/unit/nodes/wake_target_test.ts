import { equal, throws } from "node:assert/strict";
import { parseBroadcast, parseMac } from "../../../lib/nodes/wake_target.ts";

for (const text of ["aa:bb:cc:0d:ee:ff", "AA-BB-CC-0D-EE-FF", " Aa:bB:cc:0d:ee:ff\n"]) {
  Deno.test(`parseMac() reads ${JSON.stringify(text)}`, () => equal(parseMac(text), "aa:bb:cc:0d:ee:ff"));
}

for (
  const text of [
    "",
    "aa:bb:cc:dd:ee",
    "aa:bb:cc:dd:ee:ff:00",
    "aa:bb-cc:dd:ee:ff",
    "aabbccddeeff",
    "gg:bb:cc:dd:ee:ff",
  ]
) {
  Deno.test(`parseMac() refuses ${JSON.stringify(text)}`, () => {
    throws(() => parseMac(text), { name: "RangeError", message: /write for example aa:bb:cc:dd:ee:ff/ });
  });
}

Deno.test("parseBroadcast() takes IPv4 addresses, and nothing that must be resolved", () => {
  equal(parseBroadcast(" 192.168.1.255 "), "192.168.1.255");
  for (
    const text of ["", "192.168.1", "192.168.1.256", "010.0.0.1", "gpu.lan", "ff02::1", "192.168.1.255:9"]
  ) {
    throws(() => parseBroadcast(text), { name: "RangeError", message: /is no IPv4 address/ });
  }
});
