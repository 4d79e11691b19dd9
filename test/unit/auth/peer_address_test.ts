import { equal } from "node:assert/strict";
import { isLoopbackAddress, plainAddress } from "../../../lib/auth/peer_address.ts";

for (
  const [address, want] of [
    ["127.0.0.1", true],
    ["127.8.9.10", true],
    ["::1", true],
    ["::ffff:127.0.0.1", true],
    ["::FFFF:127.0.0.1", true],
    ["192.168.1.4", false],
    ["::ffff:192.168.1.4", false],
    ["0.0.0.0", false],
    ["::", false],
    ["fe80::1%eth0", false],
    ["127.0.0.1.evil.example", false],
    ["127.evil.example", false],
    ["localhost", false],
    ["", false],
  ] as const
) {
  Deno.test(`"${address}" is ${want ? "" : "not "}an address of this machine alone`, () => {
    equal(isLoopbackAddress(address), want);
  });
}

Deno.test("an IPv4 address inside an IPv6 one is written as what it is", () => {
  equal(plainAddress("::ffff:192.168.1.4"), "192.168.1.4");
  equal(plainAddress("fd00::4"), "fd00::4");
});
