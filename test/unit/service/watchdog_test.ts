import { deepEqual, equal } from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { Watchdog, watchdogMsOf } from "../../../lib/service/watchdog.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { RecordedLog } from "../../fixtures/recorded_log.ts";

for (
  const { name, env, want } of [
    { name: "is read in microseconds", env: { WATCHDOG_USEC: "30000000" }, want: 30_000 },
    { name: "is ours if it names us", env: { WATCHDOG_USEC: "1500000", WATCHDOG_PID: "7" }, want: 1_500 },
    { name: "is not ours if it names our parent", env: { WATCHDOG_USEC: "1500000", WATCHDOG_PID: "6" } },
    { name: "is none where nobody watches", env: {} },
    { name: "is none if it is 0", env: { WATCHDOG_USEC: "0" } },
    { name: "is none if it is no number", env: { WATCHDOG_USEC: "30s" } },
    { name: "is none if it is negative", env: { WATCHDOG_USEC: "-1" } },
  ]
) {
  Deno.test(`the watchdog's interval ${name}`, () => equal(watchdogMsOf(env, 7), want));
}

/** A watchdog of 30 s, over a clock that the test moves by seconds. */
class WatchdogBed implements AsyncDisposable {
  readonly clock = new FakeClock(0);
  readonly log = new RecordedLog();
  /** Seconds at which it beat. */
  readonly beats: number[] = [];
  /** Seconds at which it asked, and at which it gave an answer up. */
  readonly checks: number[] = [];
  readonly givenUp: number[] = [];
  isAlive: () => Promise<boolean> = () => Promise.resolve(true);
  beat: () => Promise<void> = () => Promise.resolve();
  readonly watchdog = new Watchdog({
    intervalMs: 30_000,
    clock: this.clock,
    logger: this.log.logger,
    isAlive: (signal) => {
      this.checks.push(this.clock.monotonic() / 1_000);
      signal.addEventListener("abort", () => this.givenUp.push(this.clock.monotonic() / 1_000));
      return this.isAlive();
    },
    beat: () => {
      this.beats.push(this.clock.monotonic() / 1_000);
      return this.beat();
    },
  });

  async passes(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      await setImmediate();
      this.clock.advance(1_000);
    }
    await setImmediate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.watchdog[Symbol.asyncDispose]();
  }
}

Deno.test("the watchdog beats at once, and then at each third of its interval", async () => {
  await using bed = new WatchdogBed();
  await bed.passes(35);
  deepEqual(bed.beats, [0, 10, 20, 30]);
});

for (
  const { name, isAlive } of [
    { name: "says no", isAlive: () => Promise.resolve(false) },
    { name: "fails", isAlive: () => Promise.reject(new Error("refused")) },
    { name: "hangs", isAlive: () => new Promise<boolean>(() => {}) },
  ]
) {
  Deno.test(`the watchdog does not beat while its check ${name}, and beats again once it does not`, async () => {
    await using bed = new WatchdogBed();
    await bed.passes(5);
    bed.isAlive = isAlive;
    await bed.passes(40);
    deepEqual(bed.beats, [0]);
    deepEqual(
      new Set(bed.log.said),
      new Set(["error does not answer itself, and will be killed if that lasts"]),
    );
    bed.isAlive = () => Promise.resolve(true);
    await bed.passes(20);
    equal(bed.beats.length > 1, true, `beats at ${bed.beats}`);
  });
}

Deno.test("the watchdog asks anew when a check took a third of the interval, and gives the old one up", async () => {
  await using bed = new WatchdogBed();
  await bed.passes(5);
  bed.isAlive = () => new Promise<boolean>(() => {});
  await bed.passes(30);
  deepEqual(bed.checks, [0, 10, 21, 32]); // a sleep of no time takes until the clock moves
  deepEqual(bed.givenUp, [20, 31]);
});

Deno.test("the watchdog of a host that answers late does not bring its beats forward", async () => {
  await using bed = new WatchdogBed();
  await bed.passes(5);
  bed.isAlive = async () => {
    await bed.clock.sleep(9_000);
    return true;
  };
  await bed.passes(40);
  deepEqual(bed.beats, [0, 19, 29, 39]);
});

Deno.test("the watchdog ends at once, also while its check hangs and nobody takes its beat", async () => {
  for (
    const { isAlive, beat } of [
      { isAlive: () => new Promise<boolean>(() => {}), beat: () => Promise.resolve() },
      { isAlive: () => Promise.resolve(true), beat: () => new Promise<void>(() => {}) },
    ]
  ) {
    const bed = new WatchdogBed();
    await bed.passes(1);
    Object.assign(bed, { isAlive, beat });
    await bed.passes(15);
    await bed.watchdog[Symbol.asyncDispose]();
    const beatCount = bed.beats.length;
    await bed.passes(60);
    equal(bed.beats.length, beatCount);
  }
});
