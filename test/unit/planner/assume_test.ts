import { deepEqual, equal, match, throws } from "node:assert/strict";
import { parseAssumptions } from "../../../lib/planner/assume.ts";
import { GIB, MIB } from "../../../lib/units.ts";

Deno.test("parseAssumptions() reads backends with their devices, kinds and speed", () => {
  const backends = parseAssumptions(
    "gpu1:50052=24GiB, Host2=gpu:15.5GiB+CPU:64GiB@110MB ,10.0.0.3:50053=31.3GiB@1GB/s",
  );
  deepEqual(
    backends.map(({ endpoint, devices, bytesPerSecond }) => [
      endpoint,
      devices.map(({ kind, freeBytes }) => `${kind} ${freeBytes / GIB}`),
      bytesPerSecond,
    ]),
    [
      ["gpu1:50052", ["gpu 24"], undefined],
      ["host2:50052", ["gpu 15.5", "cpu 64"], 110e6],
      ["10.0.0.3:50053", ["gpu 31.299999999813735"], 1e9],
    ],
  );
});

Deno.test("parseAssumptions() gives each device memory of its own, all of it free", () => {
  const devices = parseAssumptions("a=24GiB+24GiB,b=24GiB").flatMap((backend) => backend.devices);
  equal(new Set(devices.map(({ memoryKey }) => memoryKey)).size, 3);
  deepEqual(devices.map(({ deviceIndex }) => deviceIndex), [0, 1, 0]);
  for (const { freeBytes, totalBytes } of devices) equal(freeBytes, totalBytes);
});

Deno.test("parseAssumptions() reads the least and the most memory", () => {
  const devices = parseAssumptions("a=1MiB+64TiB")[0]!.devices;
  deepEqual(devices.map(({ freeBytes }) => freeBytes), [MIB, 64 * 1024 * GIB]);
});

for (
  const { text, says } of [
    { text: "", says: /not host:port=memory; write for example "gpu1:50052=24GiB"/ },
    { text: "a:1", says: /not host:port=memory/ },
    { text: "a:1=", says: /not host:port=memory/ },
    { text: "a:1=1GiB=2GiB", says: /not host:port=memory/ },
    { text: "a:1=1GiB@1MB@1MB", says: /not host:port=memory/ },
    { text: "a:1=1GiB,", says: /not host:port=memory/ },
    { text: "=1GiB", says: /it is empty/ },
    { text: "[::1]:5=1GiB", says: /IPv4 only/ },
    { text: "a:0=1GiB", says: /"0" is no port/ },
    { text: "a:1=24", says: /write the unit, too, as in 24GiB/ },
    { text: "a:1=0GiB", says: /between 1 MiB and 64 TiB/ },
    { text: "a:1=65TiB", says: /between 1 MiB and 64 TiB/ },
    { text: "a:1=-4GiB", says: /Cannot assume "-4GiB"/ },
    { text: "a:1=24 apples", says: /Cannot assume "24 apples"/ },
    { text: "a:1=npu:4GiB", says: /Cannot assume "npu:4GiB"/ },
    { text: "a:1=4GiB+", says: /Cannot assume ""/ },
    { text: "a:1=4GiB@0", says: /write for example 110MB/ },
    { text: "a:1=4GiB@fast", says: /Cannot assume "fast"/ },
    { text: "a=4GiB,A:50052=4GiB", says: /Cannot assume a:50052 twice; write .*a:50052=24GiB\+24GiB/ },
    { text: `a:1=${Array(65).fill("1GiB").join("+")}`, says: /65 devices at a:1; 64 at most/ },
    { text: `a:1=${"9".repeat(10_000)}`, says: /^.{0,300}$/ },
  ]
) {
  Deno.test(`parseAssumptions() refuses "${text.slice(0, 40)}" with a hint`, () => {
    throws(() => parseAssumptions(text), (error) => {
      match(String(error), /^RangeError/);
      match((error as Error).message, says);
      return true;
    });
  });
}
