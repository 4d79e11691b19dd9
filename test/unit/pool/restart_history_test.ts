import { deepEqual, equal } from "node:assert/strict";
import { RestartHistory, type RestartLimits } from "../../../lib/pool/restart_history.ts";

const MINUTE_MS = 60_000;
const LIMITS: RestartLimits = { maxRestarts: 3, restartWindowMs: 10 * MINUTE_MS };

/** Without jitter. */
function history(): RestartHistory {
  return new RestartHistory(() => 0.5);
}

/** What comes of failures at these times: the pause before each restart, ms. */
function pausesAfter(timesMs: readonly number[], limits = LIMITS, of = history()): (number | "give up")[] {
  return timesMs.map((nowMs) => {
    const outcome = of.failed(nowMs, limits);
    return outcome === "give up" ? outcome : outcome.retryInMs;
  });
}

const TABLE = [
  { name: "is tried again at once after one failure", timesMs: [5], want: [0] },
  {
    name: "is tried again after growing pauses, then given up",
    timesMs: [5, 6, 7, 8],
    want: [0, 1_000, 2_000, "give up"],
  },
  {
    name: "that fails once a window is never given up",
    timesMs: [0, 10, 20, 30, 40, 50].map((minutes) => minutes * MINUTE_MS),
    want: [0, 0, 0, 0, 0, 0],
  },
  {
    name: "is forgiven what is older than the window",
    timesMs: [0, 1, 2, 10, 11].map((minutes) => minutes * MINUTE_MS),
    want: [0, 1_000, 2_000, 2_000, 2_000],
  },
  {
    name: "is not forgiven a moment too soon",
    timesMs: [0, 1, 2, 10 * MINUTE_MS - 1],
    want: [0, 1_000, 2_000, "give up"],
  },
  {
    name: "is never restarted where that is not wanted",
    timesMs: [5],
    limits: { ...LIMITS, maxRestarts: 0 },
    want: ["give up"],
  },
] as const;

for (const { name, timesMs, want, ...told } of TABLE) {
  Deno.test(`what ${name}`, () => {
    deepEqual(pausesAfter(timesMs, "limits" in told ? told.limits : LIMITS), want);
  });
}

Deno.test("pauses end at a minute, and are spread by the jitter", () => {
  const many = { ...LIMITS, maxRestarts: 20 };
  const times = Array.from({ length: 12 }, (_, at) => at);
  equal(pausesAfter(times, many).at(-1), MINUTE_MS);
  equal(pausesAfter(times, many, new RestartHistory(() => 1)).at(-1), 1.2 * MINUTE_MS);
});

Deno.test("restarts are counted within the window", () => {
  const of = history();
  const attempts = [0, 1, 10, 30].map((minutes) => {
    const outcome = of.failed(minutes * MINUTE_MS, LIMITS);
    return outcome === "give up" ? outcome : outcome.attempt;
  });
  deepEqual(attempts, [1, 2, 2, 1]);
});

Deno.test("limits that were changed meanwhile count from the next failure on", () => {
  const of = history();
  deepEqual(pausesAfter([0, 1, 2], LIMITS, of), [0, 1_000, 2_000]);
  deepEqual(pausesAfter([3], { ...LIMITS, maxRestarts: 10 }, of), [4_000]);
  deepEqual(pausesAfter([4], { ...LIMITS, restartWindowMs: 1 }, of), [0]);
});

/** Given up at 8 ms. */
function givenUp(): RestartHistory {
  const of = history();
  equal(pausesAfter([5, 6, 7, 8], LIMITS, of).at(-1), "give up");
  return of;
}

Deno.test("what was given up gets one try each time that somebody asks, and no more", () => {
  const of = givenUp();
  for (const askedMs of [MINUTE_MS, 2 * MINUTE_MS, 60 * MINUTE_MS]) {
    of.grant(askedMs);
    deepEqual(pausesAfter([askedMs + 50], LIMITS, of), ["give up"]);
  }
});

Deno.test("what has stayed up for the window after it was asked for is as good as new", () => {
  const of = givenUp();
  of.grant(MINUTE_MS);
  const laterMs = MINUTE_MS + LIMITS.restartWindowMs;
  deepEqual(pausesAfter([laterMs, laterMs + 1, laterMs + 2, laterMs + 3], LIMITS, of), [
    0,
    1_000,
    2_000,
    "give up",
  ]);
});

Deno.test("grant() gives nothing to what was not given up", () => {
  const of = history();
  of.failed(0, LIMITS);
  of.grant(1);
  deepEqual(pausesAfter([2], LIMITS, of), [1_000]);
});

Deno.test("reset() forgets failures, the giving up and the probation", () => {
  const of = givenUp();
  of.grant(MINUTE_MS);
  of.reset();
  deepEqual(pausesAfter([MINUTE_MS, MINUTE_MS], LIMITS, of), [0, 1_000]);
});
