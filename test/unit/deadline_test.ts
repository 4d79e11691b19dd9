import { deepEqual, equal } from "node:assert/strict";
import { Deadline } from "../../lib/deadline.ts";
import { FakeClock } from "../fakes/fake_clock.ts";

Deno.test("a Deadline aborts at its time with its reason, and never once disposed", async () => {
  const clock = new FakeClock();
  const reason = new Error("over");
  using expiring = new Deadline(clock, 100, { reason: () => reason });
  const disposed = new Deadline(clock, 100, { reason: () => reason });
  disposed[Symbol.dispose]();
  clock.advance(99);
  await Promise.resolve();
  equal(expiring.signal.aborted, false);
  clock.advance(1);
  await Promise.resolve();
  equal(expiring.signal.reason, reason);
  equal(disposed.signal.aborted, false);
});

Deno.test("a Deadline tells its own end from an abort by its caller", async () => {
  const clock = new FakeClock();
  const caller = new AbortController();
  using deadline = new Deadline(clock, 100, { signal: caller.signal });
  caller.abort("left");
  deepEqual([deadline.signal.reason, deadline.hasPassed], ["left", false]);
  clock.advance(100);
  await Promise.resolve();
  equal(deadline.hasPassed, true);
});
