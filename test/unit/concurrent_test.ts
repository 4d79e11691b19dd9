import { deepEqual, equal, rejects } from "node:assert/strict";
import { mapConcurrently } from "../../lib/concurrent.ts";

Deno.test("mapConcurrently() keeps the order and never has more in flight than the limit", async () => {
  let inFlight = 0;
  let mostInFlight = 0;
  const results = await mapConcurrently([5, 1, 4, 2, 3, 0], 3, async (turns) => {
    mostInFlight = Math.max(mostInFlight, ++inFlight);
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    inFlight--;
    return turns * 10;
  });
  deepEqual(results, [50, 10, 40, 20, 30, 0]);
  equal(mostInFlight, 3);
});

Deno.test("mapConcurrently() fails with the first failure and starts nothing more", async () => {
  const started: number[] = [];
  const failing = mapConcurrently([0, 1, 2, 3, 4, 5], 2, async (item) => {
    started.push(item);
    await Promise.resolve();
    if (item === 1) throw new Error("one is broken");
  });
  await rejects(failing, /one is broken/);
  deepEqual(started, [0, 1, 2]);
});

Deno.test("mapConcurrently() maps nothing to nothing", async () => {
  deepEqual(await mapConcurrently([], 4, () => Promise.reject(new Error("called"))), []);
});
