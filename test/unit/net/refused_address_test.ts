import { equal } from "node:assert/strict";
import { refusedAddress } from "../../../lib/net/refused_address.ts";

const SECRETS = "where a cloud hands out its secrets";

for (
  const { host, want } of [
    { host: "169.254.1.1", want: "169.254.1.1, a link-local address" },
    { host: "169.254.169.254", want: `169.254.169.254, ${SECRETS}` },
    { host: " 169.254.169.254 ", want: `169.254.169.254, ${SECRETS}` },
    { host: "2852039166", want: `169.254.169.254, ${SECRETS}` },
    { host: "0xA9FEA9FE", want: `169.254.169.254, ${SECRETS}` },
    { host: "0251.0376.0251.0376", want: `169.254.169.254, ${SECRETS}` },
    { host: "169.16689662", want: `169.254.169.254, ${SECRETS}` },
    { host: "169.254.169.254.", want: `169.254.169.254, ${SECRETS}` },
    { host: "::ffff:169.254.169.254", want: `169.254.169.254, ${SECRETS}` },
    { host: "[::FFFF:a9fe:a9fe]", want: `169.254.169.254, ${SECRETS}` },
    { host: "0:0:0:0:0:ffff:a9fe:101", want: "169.254.1.1, a link-local address" },
    { host: "::169.254.169.254", want: `169.254.169.254, ${SECRETS}` },
    { host: "64:ff9b::169.254.169.254", want: `169.254.169.254, ${SECRETS}` },
    { host: "fe80::1", want: "fe80::1, a link-local address" },
    { host: "FE80:0::1%eth0", want: "fe80::1, a link-local address" },
    { host: "febf::1", want: "febf::1, a link-local address" },
    { host: "fd00:ec2:0::254", want: `fd00:ec2::254, ${SECRETS}` },
    { host: "100.100.100.200", want: `100.100.100.200, ${SECRETS}` },
    { host: "Metadata.Google.Internal.", want: `metadata.google.internal, ${SECRETS}` },
    { host: "ⓜetadata.google.internal", want: `metadata.google.internal, ${SECRETS}` },
    { host: "metadata", want: `metadata, ${SECRETS}` },
  ]
) {
  Deno.test(`refusedAddress() knows ${JSON.stringify(host)}`, () => equal(refusedAddress(host), want));
}

for (
  const host of [
    "127.0.0.1",
    "localhost",
    "::1",
    "0.0.0.0",
    "10.0.0.1",
    "192.168.1.20",
    "172.16.0.1",
    "100.64.0.1",
    "fd00::1",
    "fec0::1",
    "8.8.8.8",
    "169.253.1.1",
    "metadata.lan",
    "169.254.1.1.nip.io",
    "fe80",
    "",
    "a b",
    "http://169.254.1.1",
    "169.254.1.1/x",
    "x@169.254.1.1",
    "1".repeat(100_000),
    "[".repeat(1_000),
  ]
) {
  Deno.test(`refusedAddress() lets ${JSON.stringify(host.slice(0, 40))} pass`, () => {
    equal(refusedAddress(host), undefined);
  });
}
