import { deepEqual, equal, ok } from "node:assert/strict";
import type { NodeDown, NodeFinding, NodeUp } from "../../../lib/nodes/node_check.ts";
import { NodePulse } from "../../../lib/nodes/node_pulse.ts";

const UP: NodeUp = {
  health: "up",
  version: "1",
  listed: { text: "", models: new Map() },
  resident: new Map(),
};

function down(cause: NodeDown["cause"]): NodeDown {
  return { health: "down", reason: cause, cause };
}

/** A check that took so long has found this. */
function learn(
  pulse: NodePulse,
  finding: NodeFinding,
  nowMs: number,
  { tookMs = 0, random = 0.5 } = {},
): void {
  pulse.learn(finding, { startedMs: nowMs - tookMs, nowMs, random, checkEveryMs: 5_000 }, "it answers");
}

function up(): NodePulse {
  const pulse = new NodePulse();
  learn(pulse, UP, 0);
  return pulse;
}

Deno.test("nothing is known before it was asked, and it is to be asked at once", () => {
  const pulse = new NodePulse();
  deepEqual([pulse.health, pulse.ageMs(5), pulse.nextCheckMs], ["unknown", undefined, 0]);
});

Deno.test("one that is up is asked again after its time, a tenth more or less", () => {
  for (const [random, nextMs] of [[0, 4_500], [0.5, 5_000], [1, 5_500]] as const) {
    const pulse = new NodePulse();
    learn(pulse, UP, 0, { random });
    equal(Math.round(pulse.nextCheckMs), nextMs);
  }
});

for (const cause of ["unreachable", "unfit"] as const) {
  Deno.test(`one that is ${cause} is down at once, and asked in 1 s, later on after more, but never 3 s`, () => {
    const pulse = up();
    const pausesMs: number[] = [];
    for (let nowMs = 5_000; pausesMs.length < 100; nowMs = pulse.nextCheckMs) {
      learn(pulse, down(cause), nowMs, { random: 1 });
      pausesMs.push(pulse.nextCheckMs - nowMs);
    }
    equal(pulse.health, "down");
    ok(pausesMs[0]! <= 1_100 && pausesMs[0]! >= 900, `${pausesMs[0]}`);
    ok(Math.max(...pausesMs) < 3_000 && pausesMs.at(-1)! > 2_000, `${pausesMs}`);
  });
}

Deno.test("the time that a silent one takes is part of its rhythm, and leaves half a second of rest", () => {
  const pulse = new NodePulse();
  let longestMs = 0;
  for (let nowMs = 2_000, count = 0; count < 100; nowMs = pulse.nextCheckMs + 2_000, count++) {
    learn(pulse, down("silent"), nowMs, { tookMs: 2_000, random: 1 });
    longestMs = Math.max(longestMs, pulse.nextCheckMs - nowMs);
    ok(pulse.nextCheckMs - nowMs >= 500);
  }
  ok(longestMs < 1_000, `${longestMs}`);
});

Deno.test("one silence is forgiven to one that was up, and it is asked soon; a second one is not", () => {
  const pulse = up();
  learn(pulse, down("silent"), 10_000);
  deepEqual([pulse.health, pulse.nextCheckMs, pulse.silenceMs(20_000)], ["up", 11_000, undefined]);
  learn(pulse, down("silent"), 13_000);
  deepEqual([pulse.health, pulse.silenceMs(20_000)], ["down", 10_000]);
});

Deno.test("silences with an answer between them are all forgiven", () => {
  const pulse = up();
  for (let nowMs = 10_000; nowMs < 100_000; nowMs += 10_000) {
    learn(pulse, down("silent"), nowMs);
    learn(pulse, UP, nowMs + 1_000);
    equal(pulse.health, "up");
  }
});

Deno.test("no silence is forgiven to one that was not up", () => {
  const pulse = new NodePulse();
  learn(pulse, down("silent"), 2_000);
  equal(pulse.health, "down");
});

Deno.test("bytes of an answer, an unfit answer and a good one end a silence", () => {
  const pulse = new NodePulse();
  learn(pulse, down("silent"), 1_000);
  equal(pulse.silenceMs(5_000), 4_000);
  pulse.heard(4_000);
  equal(pulse.silenceMs(5_000), 1_000);
  learn(pulse, down("unfit"), 6_000);
  equal(pulse.silenceMs(9_000), undefined);
  learn(pulse, down("unreachable"), 10_000);
  equal(pulse.silenceMs(11_000), 1_000);
  learn(pulse, UP, 12_000);
  equal(pulse.silenceMs(13_000), undefined);
  pulse.heard(14_000);
  equal(pulse.silenceMs(15_000), undefined);
});

Deno.test("an answer to a request brings it up, and has it asked at once", () => {
  const pulse = new NodePulse();
  learn(pulse, down("silent"), 1_000);
  pulse.answered(1_500);
  deepEqual([pulse.health, pulse.cause, pulse.nextCheckMs, pulse.ageMs(2_000)], [
    "up",
    undefined,
    1_500,
    500,
  ]);
});
