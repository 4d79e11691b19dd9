import { deepEqual } from "node:assert/strict";
import { LineRing } from "../../../lib/process/line_ring.ts";

Deno.test("LineRing keeps the last lines, oldest first, however many come", () => {
  const ring = new LineRing(3);
  deepEqual(ring.lines, []);
  for (let number = 1; number <= 10; number++) {
    ring.push(String(number));
    const want = [number - 2, number - 1, number].filter((kept) => kept > 0).map(String);
    deepEqual(ring.lines, want);
  }
});
