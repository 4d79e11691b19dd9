import { deepEqual, equal } from "node:assert/strict";
import { NodePause } from "../../../lib/nodes/node_pause.ts";

Deno.test("a pause lasts as long as was asked for, and a longer one that runs goes on", () => {
  const pause = new NodePause();
  deepEqual([pause.isOn, pause.dueMs], [false, Infinity]);
  pause.begin(1_000, 500);
  pause.begin(10, 600);
  deepEqual([pause.isOn, pause.dueMs], [true, 1_500]);
  pause.advance(1_499);
  equal(pause.isOn, true);
  pause.advance(1_500);
  deepEqual([pause.isOn, pause.dueMs], [false, Infinity]);
});

for (
  const { ms, dueMs } of [
    { ms: 0, dueMs: Infinity },
    { ms: -1, dueMs: Infinity },
    { ms: NaN, dueMs: Infinity },
    { ms: Infinity, dueMs: 300_000 },
    { ms: 300_001, dueMs: 300_000 },
  ]
) {
  Deno.test(`a pause of ${ms} ms ends at ${dueMs}`, () => {
    const pause = new NodePause();
    pause.begin(ms, 0);
    equal(pause.dueMs, dueMs);
  });
}
