import { deepEqual, doesNotThrow, throws } from "node:assert/strict";
import { assertGuarded, isLoopbackAddress, trafficLines } from "../../../systemd/traffic.ts";

for (
  const { name, allow, want } of [
    { name: "says nothing without a list", allow: [], want: [] },
    {
      name: "denies all but those on the list",
      allow: ["192.168.1.10", "10.0.0.0/8", "fd00::1", "fd00::/64"],
      want: ["IPAddressDeny=any", "IPAddressAllow=192.168.1.10 10.0.0.0/8 fd00::1 fd00::/64"],
    },
    {
      name: "lets only this host in",
      allow: ["localhost"],
      want: ["IPAddressDeny=any", "IPAddressAllow=localhost"],
    },
  ]
) {
  Deno.test(`trafficLines() ${name}`, () => {
    deepEqual(trafficLines("system", allow), want);
    deepEqual(trafficLines("user", allow), [], "a user's systemd cannot");
  });
}

const NO_NETWORKS = [
  ...[
    "",
    "shelf",
    "link-local",
    "any",
    "192.168.1",
    "192.168.1.256",
    "192.168.1.1/33",
    "192.168.1.0/255.255.255.0",
  ],
  ...[
    "::1/129",
    "fe80::1%eth0",
    "[::1]",
    "192.168.1.1:80",
    "192.168.1.1 any",
    "10.0.0.1\nIPAddressAllow=any",
    "/8",
  ],
];
for (const entry of NO_NETWORKS) {
  Deno.test(`trafficLines() refuses to allow ${JSON.stringify(entry)}`, () => {
    throws(() => trafficLines("system", [entry]), {
      name: "RangeError",
      message: /192\.168\.1\.0\/24$/,
    });
    throws(() => trafficLines("user", [entry]), RangeError);
  });
}

const LISTED = ["192.168.1.10"];

for (
  const { name, service } of [
    { name: "loopback", service: { manager: "system", host: "127.0.0.1" } },
    { name: "loopback in a user's systemd", service: { manager: "user", host: "127.0.0.2" } },
    { name: "an address with a list", service: { manager: "system", host: "192.168.1.20", allow: LISTED } },
    { name: "all addresses with a list", service: { manager: "system", host: "0.0.0.0", allow: LISTED } },
    {
      name: "an address that is chosen later, with a list",
      service: { manager: "system", allow: ["10.0.0.0/8"] },
    },
    { name: "all addresses by force", service: { manager: "system", host: "0.0.0.0", force: true } },
    { name: "a user's by force", service: { manager: "user", host: "192.168.1.20", force: true } },
  ] as const
) {
  Deno.test(`assertGuarded() lets rpc servers listen on ${name}`, () =>
    doesNotThrow(() => assertGuarded(service)));
}

for (
  const { name, service, why } of [
    {
      name: "an address without a list",
      service: { manager: "system", host: "192.168.1.20" },
      why: /nothing limits/,
    },
    {
      name: "all addresses without a list",
      service: { manager: "system", host: "0.0.0.0" },
      why: /on 0\.0\.0\.0/,
    },
    {
      name: "an address with an empty list",
      service: { manager: "system", host: "10.0.0.1", allow: [] },
      why: /nothing/,
    },
    { name: "an address that is chosen later", service: { manager: "system" }, why: /nothing limits/ },
    {
      name: "a list of the whole internet",
      service: { manager: "system", host: "10.0.0.1", allow: ["10.0.0.2", "0.0.0.0/0"] },
      why: /0\.0\.0\.0\/0 is nearly everybody/,
    },
    {
      name: "a list of half of it",
      service: { manager: "system", host: "10.0.0.1", allow: ["128.0.0.0/1"] },
      why: /nearly everybody/,
    },
    {
      name: "all of IPv6",
      service: { manager: "system", host: "10.0.0.1", allow: ["::/0"] },
      why: /nearly everybody/,
    },
    {
      name: "an address in a user's systemd, which enforces no list",
      service: { manager: "user", host: "192.168.1.20", allow: LISTED },
      why: /only the system's systemd/,
    },
  ] as const
) {
  Deno.test(`assertGuarded() refuses ${name}`, () => {
    throws(() => assertGuarded(service), { name: "RangeError", message: why });
    throws(() => assertGuarded(service), { message: /has no password.* force$/ });
  });
}

Deno.test("isLoopbackAddress() knows addresses that the network does not reach", () => {
  deepEqual(
    ["127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::", "128.0.0.1", "10.127.0.1"].map(isLoopbackAddress),
    [
      ...[true, true, true],
      ...[false, false, false, false],
    ],
  );
});
