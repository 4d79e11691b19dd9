import { deepEqual, equal, ok } from "node:assert/strict";
import { Breaker } from "../../../lib/nodes/breaker.ts";

/** Fails so many requests in a row, at once. */
function fail(breaker: Breaker, count: number, nowMs = 0, random = 0.5): void {
  for (let index = 0; index < count; index++) breaker.failed(breaker.pass()!, nowMs, random);
}

function opened(): Breaker {
  const breaker = new Breaker();
  fail(breaker, 3);
  return breaker;
}

function halfOpened(): Breaker {
  const breaker = opened();
  breaker.advance(1_000);
  return breaker;
}

for (
  const { name, outcomes, state } of [
    { name: "two failures in a row", outcomes: "ff", state: "closed" },
    { name: "three failures in a row", outcomes: "fff", state: "open" },
    { name: "three failures, not in a row", outcomes: "ffsf", state: "closed" },
    { name: "half of five failed", outcomes: "fsffs", state: "closed" },
    { name: "half of six failed", outcomes: "fsffsf", state: "open" },
    { name: "every third failed", outcomes: "fssfssfssfssfssfss", state: "closed" },
    {
      name: "every second failed, after many successes",
      outcomes: "s".repeat(20) + "fs".repeat(9),
      state: "closed",
    },
    {
      name: "half of the last twenty failed",
      outcomes: "s".repeat(20) + "fs".repeat(10) + "f",
      state: "open",
    },
    {
      name: "what is older than twenty is forgotten",
      outcomes: "ffs".repeat(1) + "s".repeat(30) + "ff",
      state: "closed",
    },
  ] as const
) {
  Deno.test(`a breaker with ${name} is ${state}`, () => {
    const breaker = new Breaker();
    for (const outcome of outcomes) {
      const pass = breaker.pass()!;
      if (outcome === "s") breaker.succeeded(pass);
      else breaker.failed(pass, 0, 0.5);
    }
    equal(breaker.state, state);
  });
}

Deno.test("an open one lets nothing through until its time is over", () => {
  const breaker = opened();
  breaker.advance(999);
  deepEqual([breaker.state, breaker.pass(), breaker.dueMs], ["open", undefined, 1_000]);
  breaker.advance(1_000);
  deepEqual([breaker.state, breaker.mayPass, breaker.dueMs], ["half-open", true, Infinity]);
});

Deno.test("a half-open one lets one trial through, which closes it", () => {
  const breaker = halfOpened();
  const trial = breaker.pass()!;
  ok(trial.isTrial);
  equal(breaker.pass(), undefined);
  breaker.succeeded(trial);
  deepEqual([breaker.state, breaker.pass()!.isTrial], ["closed", false]);
});

Deno.test("a closed one has forgotten what opened it", () => {
  const breaker = halfOpened();
  breaker.succeeded(breaker.pass()!);
  fail(breaker, 2);
  equal(breaker.state, "closed");
  fail(breaker, 1, 5_000);
  equal(breaker.dueMs, 6_000);
});

Deno.test("each failed trial keeps it open twice as long, up to 30 s, and jitter is a fifth", () => {
  for (const [random, share] of [[0, 0.8], [0.5, 1], [1, 1.2]] as const) {
    const breaker = new Breaker();
    const pausesMs: number[] = [];
    let nowMs = 0;
    fail(breaker, 3, nowMs, random);
    for (let round = 0; round < 8; round++) {
      pausesMs.push(Math.round(breaker.dueMs - nowMs));
      nowMs = breaker.dueMs;
      breaker.advance(nowMs);
      breaker.failed(breaker.pass()!, nowMs, random);
    }
    const wantedMs = [1, 2, 4, 8, 16, 30, 30, 30].map((seconds) => Math.round(seconds * 1_000 * share));
    deepEqual(pausesMs, wantedMs);
  }
});

Deno.test("a trial that ended without a verdict makes room for the next", () => {
  const breaker = halfOpened();
  const first = breaker.pass()!;
  breaker.left(first);
  const second = breaker.pass()!;
  breaker.left(first); // long over
  deepEqual([breaker.state, breaker.pass()], ["half-open", undefined]);
  breaker.succeeded(second);
  equal(breaker.state, "closed");
});

Deno.test("a trial whose answer has begun does not keep others waiting; whichever ends first decides", () => {
  const breaker = halfOpened();
  const slow = breaker.pass()!;
  breaker.answered(slow);
  equal(breaker.state, "half-open");
  const quick = breaker.pass()!;
  equal(breaker.pass(), undefined);
  breaker.succeeded(quick);
  equal(breaker.state, "closed");
  breaker.failed(slow, 0, 0.5);
  equal(breaker.state, "closed");
});

Deno.test("what was sent before it opened neither keeps it open for longer nor closes it", () => {
  const breaker = new Breaker();
  const [early, late] = [breaker.pass()!, breaker.pass()!];
  fail(breaker, 3);
  breaker.failed(early, 900, 0.5);
  equal(breaker.dueMs, 1_000);
  breaker.advance(1_000);
  breaker.failed(late, 1_000, 0.5);
  equal(breaker.state, "half-open");
  breaker.succeeded(late);
  equal(breaker.state, "half-open");
});

Deno.test("a success while it is open is worth a trial at once", () => {
  const breaker = new Breaker();
  const early = breaker.pass()!;
  fail(breaker, 3);
  breaker.succeeded(early);
  deepEqual([breaker.state, breaker.mayPass], ["half-open", true]);
});

Deno.test("a node that is back gets its trial at once, and is shut out for longer if it fails that", () => {
  const breaker = opened();
  breaker.allowTrial();
  equal(breaker.state, "half-open");
  breaker.failed(breaker.pass()!, 10_000, 0.5);
  deepEqual([breaker.state, breaker.dueMs], ["open", 12_000]);
  const closed = new Breaker();
  closed.allowTrial();
  equal(closed.state, "closed");
});

Deno.test("of a thousand that ask at once only one becomes the trial", () => {
  const breaker = halfOpened();
  const passes = Array.from({ length: 1_000 }, () => breaker.pass()).filter((pass) => pass !== undefined);
  equal(passes.length, 1);
});
