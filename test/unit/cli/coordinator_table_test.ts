import { deepEqual, equal } from "node:assert/strict";
import { renderCoordinators } from "../../../lib/cli/coordinator_table.ts";
import type { CoordinatorReport } from "../../../lib/coordinator_admin.ts";
import { coordinatorReport } from "../../fixtures/coordinator_reports.ts";

const TITLES = [
  "MODEL",
  "ID",
  "STATE",
  "PLACEMENT",
  "SLOTS",
  "WAITING",
  "TOKENS/S",
  "UP",
  "EXPIRES IN",
  "RESTARTS",
];

function render(...reports: CoordinatorReport[]): string[][] {
  const text = renderCoordinators(reports, (_role, cell) => cell);
  return text.trimEnd().split("\n").map((line) => line.split(/ {2,}/));
}

for (
  const { name, wish, want } of [
    {
      name: "one that is ready",
      wish: {},
      want: ["m", "c1", "ready", "32 layers on 2 backends", "0/4", "0", "0.0", "1 min 0 s", "9 min 0 s", "0"],
    },
    {
      name: "one that works",
      wish: {
        inFlightCount: 3,
        waitingCount: 12,
        tokensPerSecond: 41.26,
        expiresInMs: undefined,
        restartCount: 2,
      },
      want: ["m", "c1", "ready", "32 layers on 2 backends", "3/4", "12", "41.3", "1 min 0 s", "-", "2"],
    },
    {
      name: "one that stays for ever",
      wish: { expiresInMs: null },
      want: ["m", "c1", "ready", "32 layers on 2 backends", "0/4", "0", "0.0", "1 min 0 s", "never", "0"],
    },
    {
      name: "one on the gateway's host",
      wish: { placement: { devices: [], hostModelBytes: 1, because: "" }, endpoints: [] },
      want: ["m", "c1", "ready", "the gateway's host", "0/4", "0", "0.0", "1 min 0 s", "9 min 0 s", "0"],
    },
  ]
) {
  Deno.test(`renderCoordinators() shows ${name}`, () => {
    deepEqual(render(coordinatorReport("m", wish)), [TITLES, want]);
  });
}

for (
  const { name, wish, state, placement } of [
    {
      name: "reads the file",
      wish: { phase: "preparing", endpoints: [] },
      state: "starting: preparing",
      placement: "-",
    },
    {
      name: "waits for room",
      wish: { phase: "waiting for room", endpoints: [] },
      state: "starting: waiting for room",
      placement: "-",
    },
    { name: "loads", wish: { phase: "loading" }, state: "starting: loading", placement: "2 backends" },
    {
      name: "loads, with a share",
      wish: { phase: "loading", progress: { stage: "loading", sentBytes: 68, totalBytes: 100 } },
      state: "starting: loading 68 %",
      placement: "2 backends",
    },
    {
      name: "warms up",
      wish: {
        phase: "loading",
        endpoints: ["a:1"],
        progress: { stage: "warming up", sentBytes: 100, totalBytes: 100 },
      },
      state: "starting: warming up",
      placement: "1 backend",
    },
  ] as { name: string; wish: Partial<CoordinatorReport>; state: string; placement: string }[]
) {
  Deno.test(`renderCoordinators() shows one that ${name}, and why`, () => {
    const rest = {
      slotCount: undefined,
      upMs: undefined,
      expiresInMs: undefined,
      tokensPerSecond: undefined,
      placement: undefined,
    };
    const report = coordinatorReport("m", { state: "starting", because: "so it is", ...rest, ...wish });
    deepEqual(render(report), [TITLES, ["m", "c1", state, placement, "-", "0", "-", "-", "-", "0"], [""], [
      "m is starting: so it is",
    ]]);
  });
}

Deno.test("renderCoordinators() tells what went wrong last, and what is pinned", () => {
  const failures = [{ at: "2026-01-01T00:00:00Z", reason: "first" }, {
    at: "2026-01-02T00:00:00Z",
    reason: "gpu1 is gone",
  }];
  const failed = coordinatorReport("m", { state: "failed", because: "2 failures in 10 min", failures });
  const pinned = coordinatorReport("p", { id: "c2", isPinned: true, failures: failures.slice(0, 1) });
  deepEqual(render(failed, pinned).slice(4), [
    ["m is failed: 2 failures in 10 min"],
    ["m failed 2 times, last at 2026-01-02T00:00:00Z: gpu1 is gone"],
    ["p is pinned: it is not stopped for others, nor for being idle"],
    ["p failed once, last at 2026-01-01T00:00:00Z: first"],
  ]);
});

Deno.test("renderCoordinators() lets nothing steer a terminal, and marks states", () => {
  const hostile = "\u001b[2J\n\u202ex";
  const report = coordinatorReport(hostile, {
    id: hostile,
    state: "failed",
    because: hostile,
    failures: [{ at: hostile, reason: hostile }],
  });
  const painted: string[] = [];
  const text = renderCoordinators([report], (role, cell) => (painted.push(`${role} ${cell}`), cell));
  for (const letter of ["\u001b", "\u202e"]) equal(text.includes(letter), false);
  equal(text.split("\n").length, 6, "no line is broken");
  equal(painted.filter((cell) => cell === "bad failed").length, 1);
});
