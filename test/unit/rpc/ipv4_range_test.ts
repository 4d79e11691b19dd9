import { deepEqual, equal, throws } from "node:assert/strict";
import { isPrivateAddress, MAX_RANGE_ADDRESSES, parseIpv4Range } from "../../../lib/rpc/ipv4_range.ts";

for (
  const { text, first, last, count } of [
    { text: "192.168.1.0/24", first: "192.168.1.1", last: "192.168.1.254", count: 254 },
    { text: "192.168.1.77/24", first: "192.168.1.1", last: "192.168.1.254", count: 254 },
    { text: " 10.0.0.0/30\n", first: "10.0.0.1", last: "10.0.0.2", count: 2 },
    { text: "10.0.0.6/31", first: "10.0.0.6", last: "10.0.0.7", count: 2 },
    { text: "10.0.0.7/31", first: "10.0.0.6", last: "10.0.0.7", count: 2 },
    { text: "10.0.0.7/32", first: "10.0.0.7", last: "10.0.0.7", count: 1 },
    { text: "10.255.255.255/20", first: "10.255.240.1", last: "10.255.255.254", count: 4_094 },
    { text: "192.168.1.10-40", first: "192.168.1.10", last: "192.168.1.40", count: 31 },
    { text: "192.168.1.10 - 40", first: "192.168.1.10", last: "192.168.1.40", count: 31 },
    { text: "192.168.1.0-255", first: "192.168.1.0", last: "192.168.1.255", count: 256 },
    { text: "192.168.1.10-192.168.2.5", first: "192.168.1.10", last: "192.168.2.5", count: 252 },
    { text: "172.16.0.0-172.16.15.255", first: "172.16.0.0", last: "172.16.15.255", count: 4_096 },
    { text: "192.168.1.20", first: "192.168.1.20", last: "192.168.1.20", count: 1 },
    { text: "127.0.0.5-5", first: "127.0.0.5", last: "127.0.0.5", count: 1 },
    { text: "100.127.255.0/24", first: "100.127.255.1", last: "100.127.255.254", count: 254 },
  ]
) {
  Deno.test(`parseIpv4Range() reads ${JSON.stringify(text)}`, () => {
    const addresses = parseIpv4Range(text);
    deepEqual([addresses[0], addresses.at(-1), addresses.length], [first, last, count]);
  });
}

Deno.test("parseIpv4Range() orders addresses by their number, not by their text, and repeats none", () => {
  deepEqual(parseIpv4Range("192.168.0.254-192.168.1.2"), [
    "192.168.0.254",
    "192.168.0.255",
    "192.168.1.0",
    "192.168.1.1",
    "192.168.1.2",
  ]);
  deepEqual(parseIpv4Range("10.0.0.9-11"), ["10.0.0.9", "10.0.0.10", "10.0.0.11"]);
  const largest = parseIpv4Range("10.0.0.0-10.0.15.255");
  equal(new Set(largest).size, MAX_RANGE_ADDRESSES);
});

for (
  const { text, why } of [
    { text: "", why: /it is empty; write for example 192\.168\.1\.0\/24/ },
    { text: "0.0.0.0/0", why: /not private as a whole/ },
    {
      text: "10.0.0.0/8",
      why: /has 16777216 addresses, and 4096 \(a \/20\) are the most.*for example 10\.0\.0\.0\/24/,
    },
    { text: "10.0.0.0/19", why: /has 8192 addresses/ },
    { text: "10.0.0.0-10.0.16.0", why: /has 4097 addresses/ },
    { text: "8.8.8.0/24", why: /not private as a whole.*not ours to scan/ },
    { text: "8.8.8.8", why: /not private/ },
    { text: "0.0.0.0", why: /not private/ },
    { text: "224.0.0.1", why: /not private/ },
    { text: "255.255.255.255", why: /not private/ },
    { text: "192.167.255.250-192.168.0.10", why: /not private as a whole/ },
    { text: "192.168.255.250-192.169.0.10", why: /not private as a whole/ },
    { text: "172.32.0.0/24", why: /not private/ },
    { text: "100.128.0.0/24", why: /not private/ },
    { text: "1/2/3", why: /it is no network/ },
    { text: "10.0.0.0/24/24", why: /it is no network/ },
    { text: "10.0.0.0/33", why: /"\/33" is no prefix/ },
    { text: "10.0.0.0/", why: /"\/" is no prefix/ },
    { text: "10.0.0.0/-1", why: /"\/-1" is no prefix/ },
    { text: "10.0.0.0/255.255.255.0", why: /is no prefix; write a number from 20 to 32/ },
    { text: "/24", why: /"" is no IPv4 address/ },
    { text: "999.1.1.1/24", why: /"999\.1\.1\.1" is no IPv4 address/ },
    { text: "192.168.1.256", why: /no IPv4 address/ },
    { text: "192.168.1", why: /no IPv4 address/ },
    { text: "192.168.010.1", why: /no IPv4 address/ },
    { text: "3232235786", why: /no IPv4 address/ },
    { text: "192.168.1.10-400", why: /"400" is no IPv4 address/ },
    { text: "192.168.1.40-10", why: /ends before it begins; write 192\.168\.1\.10-192\.168\.1\.40/ },
    { text: "192.168.1.10-20-30", why: /more than one hyphen/ },
    { text: "192.168.1.10-", why: /"" is no IPv4 address/ },
    { text: "-", why: /no IPv4 address/ },
    { text: "192.168.1.*", why: /no wildcards; write a network/ },
    { text: "192.168.1.0/24,10.0.0.0/24", why: /lists several/ },
    { text: "192.168.1.0/24:50052", why: /has no port; write the port behind --port/ },
    { text: "fe80::1/64", why: /IPv4 only/ },
    { text: "::1", why: /IPv4 only/ },
    { text: "[::1]:50052", why: /IPv4 only/ },
    { text: "shelf.lan", why: /made of addresses, not of names/ },
    { text: "0x7f.0.0.1", why: /not of names/ },
    { text: "192.168.1.0\u0000/24", why: /no IPv4 address/ },
  ]
) {
  Deno.test(`parseIpv4Range() refuses ${JSON.stringify(text)} and says why`, () => {
    throws(() => parseIpv4Range(text), { name: "RangeError", message: why });
  });
}

Deno.test("parseIpv4Range() keeps its message short, however long the text", () => {
  for (const text of ["1".repeat(100_000), "1.".repeat(50_000), `10.0.0.0/${"9".repeat(100_000)}`]) {
    throws(() => parseIpv4Range(text), (error: Error) => error.message.length < 400);
  }
});

for (
  const { text, want } of [
    { text: "10.0.0.0", want: true },
    { text: "10.255.255.255", want: true },
    { text: "172.16.0.0", want: true },
    { text: "172.31.255.255", want: true },
    { text: "192.168.0.1", want: true },
    { text: "127.0.0.1", want: true },
    { text: "169.254.1.1", want: true },
    { text: "100.64.0.0", want: true },
    { text: "100.127.255.255", want: true },
    { text: "9.255.255.255", want: false },
    { text: "11.0.0.0", want: false },
    { text: "172.15.255.255", want: false },
    { text: "172.32.0.0", want: false },
    { text: "100.63.255.255", want: false },
    { text: "100.128.0.0", want: false },
    { text: "8.8.8.8", want: false },
    { text: "0.0.0.0", want: false },
    { text: "localhost", want: false },
    { text: "::1", want: false },
    { text: "10.0.0", want: false },
    { text: "010.0.0.1", want: false },
    { text: "", want: false },
  ]
) {
  Deno.test(`isPrivateAddress() says ${want} of ${JSON.stringify(text)}`, () => {
    equal(isPrivateAddress(text), want);
  });
}
