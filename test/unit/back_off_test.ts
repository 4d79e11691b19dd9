import { deepEqual, equal } from "node:assert/strict";
import { backOffMs } from "../../lib/back_off.ts";

Deno.test("backOffMs() doubles from one second to a minute", () => {
  const pausesMs = Array.from({ length: 8 }, (_, at) => backOffMs(at + 1));
  deepEqual(pausesMs, [1, 2, 4, 8, 16, 32, 60, 60].map((seconds) => seconds * 1000));
});

Deno.test("backOffMs() spreads by a fifth to both sides", () => {
  deepEqual([backOffMs(1, 0), backOffMs(1, 1)], [800, 1200]);
  deepEqual([backOffMs(50, 0), backOffMs(50, 1)], [48_000, 72_000]);
});

Deno.test("backOffMs() stays a minute after years of failures", () => {
  equal(backOffMs(1e6, 0.5), 60_000);
});
