import { deepEqual, ok } from "node:assert/strict";
import { Deadlines } from "../../../lib/http/deadlines.ts";

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

Deno.test("Deadlines expire in their order, not before they are due, and only if they were not removed", async () => {
  using deadlines = new Deadlines();
  const startedAt = performance.now();
  const expired: [string, boolean][] = [];
  const add = (name: string, afterMs: number) =>
    deadlines.add(afterMs, () => expired.push([name, performance.now() - startedAt >= afterMs]));
  add("late", 40);
  add("early", 10); // moves the timer forward
  add("never", Infinity);
  const removed = add("removed", 20);
  deadlines.remove(removed);
  deadlines.remove(removed);
  await sleep(80);
  deepEqual(expired, [["early", true], ["late", true]]);
});

Deno.test("Deadlines may be added and removed by one that expires", async () => {
  using deadlines = new Deadlines();
  const expired: string[] = [];
  const victim = deadlines.add(15, () => expired.push("victim"));
  deadlines.add(5, () => {
    deadlines.remove(victim);
    deadlines.add(1, () => expired.push("added"));
  });
  await sleep(60);
  deepEqual(expired, ["added"]);
});

Deno.test("Deadlines beyond what a timer can hold do not expire at once", async () => {
  using deadlines = new Deadlines();
  let isExpired = false;
  deadlines.add(2 ** 40, () => isExpired = true);
  await sleep(20);
  ok(!isExpired);
});
