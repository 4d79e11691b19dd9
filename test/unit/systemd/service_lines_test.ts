import { deepEqual, equal, throws } from "node:assert/strict";
import {
  checkedCount,
  checkedPort,
  drainLines,
  memoryLines,
  orderLines,
} from "../../../systemd/service_lines.ts";

const SYSTEM = { manager: "system", version: "1.2.3" } as const;

for (
  const [drainMs, want] of [[0, "30s"], [1, "31s"], [500.5, "31s"], [30_000, "60s"], [
    3_600_000,
    "3630s",
  ]] as const
) {
  Deno.test(`a drain of ${drainMs} ms gives the service ${want} to stop`, () => {
    deepEqual(drainLines(drainMs), ["KillMode=mixed", `TimeoutStopSec=${want}`]);
  });
}

Deno.test("drainLines() refuses what is no time", () => {
  for (const drainMs of [-1, NaN, Infinity]) throws(() => drainLines(drainMs), RangeError);
});

Deno.test("memoryLines() writes bytes, and nothing without a limit", () => {
  deepEqual(memoryLines(SYSTEM), []);
  deepEqual(memoryLines({ ...SYSTEM, memoryMaxBytes: 2 ** 36 }), ["MemoryMax=68719476736"]);
  for (const memoryMaxBytes of [0, -1, 1.5, NaN]) {
    throws(() => memoryLines({ ...SYSTEM, memoryMaxBytes }), RangeError);
  }
});

Deno.test("orderLines() waits for the network and NVIDIA's daemon, but for nothing in a user's systemd", () => {
  deepEqual(orderLines({ ...SYSTEM, gpu: "nvidia" }), [
    "Wants=network-online.target",
    "After=network-online.target nvidia-persistenced.service",
  ]);
  deepEqual(orderLines({ ...SYSTEM, manager: "user", gpu: "nvidia" }), []);
});

Deno.test("checkedPort() and checkedCount() give what they were given, or refuse it", () => {
  equal(checkedPort(65_535), 65_535);
  equal(checkedCount(1, "threads"), 1);
  for (const port of [0, -1, 65_536, 1.5, NaN]) {
    throws(() => checkedPort(port), { name: "RangeError", message: /65535/ });
  }
  throws(() => checkedCount(0, "threads"), {
    name: "RangeError",
    message: "Cannot write 0 threads into a unit: write a whole number from 1 on",
  });
});
