import { deepEqual } from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { Alarm } from "../../../lib/registry/alarm.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

Deno.test("an alarm rings once, at the earliest time that it was asked for", async () => {
  const clock = new FakeClock(0);
  const rungMs: number[] = [];
  using alarm = new Alarm(clock, () => rungMs.push(clock.monotonic()));
  for (const atMs of [500, 200, 300]) alarm.ringBy(atMs);
  for (let step = 0; step < 10; step++) {
    clock.advance(100);
    await setImmediate();
  }
  deepEqual(rungMs, [200]);
});

Deno.test("an alarm can be asked anew while it rings", async () => {
  const clock = new FakeClock(0);
  const rungMs: number[] = [];
  using alarm: Alarm = new Alarm(clock, () => {
    rungMs.push(clock.monotonic());
    alarm.ringBy(clock.monotonic() + 100);
  });
  alarm.ringBy(100);
  for (let step = 0; step < 3; step++) {
    clock.advance(100);
    await setImmediate();
  }
  deepEqual(rungMs, [100, 200, 300]);
});

Deno.test("an alarm says how late it is", async () => {
  const clock = new FakeClock(0);
  const lateMs: number[] = [];
  using alarm = new Alarm(clock, (late) => lateMs.push(late));
  alarm.ringBy(100);
  clock.advance(60_000);
  await setImmediate();
  deepEqual(lateMs, [59_900]);
});

Deno.test("a disposed alarm never rings", async () => {
  const clock = new FakeClock(0);
  let count = 0;
  const alarm = new Alarm(clock, () => count++);
  alarm.ringBy(100);
  alarm[Symbol.dispose]();
  alarm.ringBy(100);
  clock.advance(1000);
  await setImmediate();
  deepEqual(count, 0);
});

Deno.test("an alarm for a far day rings for nothing before, and never all the time", async () => {
  const clock = new FakeClock(0);
  const pausesMs: number[] = [];
  const sleep = clock.sleep.bind(clock);
  clock.sleep = (ms, options) => {
    pausesMs.push(ms);
    return sleep(ms, options);
  };
  using alarm: Alarm = new Alarm(clock, () => alarm.ringBy(Number.MAX_SAFE_INTEGER));
  alarm.ringBy(Number.MAX_SAFE_INTEGER);
  clock.advance(24 * 3600 * 1000);
  await setImmediate();
  deepEqual(pausesMs, [24 * 3600 * 1000, 24 * 3600 * 1000]);
});
