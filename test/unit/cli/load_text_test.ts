import { deepEqual, equal } from "node:assert/strict";
import { loadPercent, textOfEvent, textOfReport } from "../../../lib/cli/load_text.ts";
import type { LifeEvent } from "../../../lib/cli/watched_event.ts";
import { MIB } from "../../../lib/units.ts";
import { coordinatorReport } from "../../fixtures/coordinator_reports.ts";

const who = { id: "c1", model: "tiny:latest" };
const loading = { type: "loading", ...who, stage: "loading" } as const;

for (
  const { name, event, want, isDetail = false } of [
    {
      name: "bytes that were sent, as a bar",
      event: { ...loading, sentBytes: 1229 * MIB, totalBytes: 1807 * MIB },
      want: "Loading tiny:latest ██████░░░░ 68 % (1.2 GiB of 1.8 GiB)",
      isDetail: true,
    },
    {
      name: "nothing sent yet",
      event: { ...loading, sentBytes: 0, totalBytes: 100 * MIB },
      want: "Loading tiny:latest ░░░░░░░░░░ 0 % (0 B of 100.0 MiB)",
      isDetail: true,
    },
    {
      name: "no 100 % before all is sent",
      event: { ...loading, sentBytes: 999 * MIB, totalBytes: 1000 * MIB },
      want: "Loading tiny:latest █████████░ 99 % (999.0 MiB of 1000.0 MiB)",
      isDetail: true,
    },
    {
      name: "more than was planned",
      event: { ...loading, sentBytes: 300 * MIB, totalBytes: 100 * MIB },
      want: "Loading tiny:latest ██████████ 100 % (300.0 MiB of 100.0 MiB)",
      isDetail: true,
    },
    {
      name: "a total of nothing",
      event: { ...loading, sentBytes: 5, totalBytes: 0 },
      want: "Loading tiny:latest: 5 B sent",
      isDetail: true,
    },
    {
      name: "an unknown total",
      event: { ...loading, sentBytes: 5 },
      want: "Loading tiny:latest: 5 B sent",
      isDetail: true,
    },
    { name: "unknown bytes", event: loading, want: "Loading tiny:latest" },
    {
      name: "connecting",
      event: { ...loading, stage: "connecting" },
      want: "Connecting tiny:latest to its rpc backends",
    },
    { name: "warming up", event: { ...loading, stage: "warming up" }, want: "Warming tiny:latest up" },
    {
      name: "its file",
      event: { type: "phase", ...who, phase: "preparing", because: "x" },
      want: "Reading the file of tiny:latest",
    },
    {
      name: "no room",
      event: { type: "phase", ...who, phase: "waiting for room", because: "big is in use" },
      want: "tiny:latest waits for room: big is in use",
    },
    {
      name: "a pause",
      event: { type: "phase", ...who, phase: "backing off", because: "it died" },
      want: "tiny:latest waits to be tried again: it died",
    },
    {
      name: "another try",
      event: { type: "recovering", ...who, because: "it died", attempt: 2, inMs: 4_000 },
      want: "tiny:latest is tried again in 4.0 s, for the 2nd time: it died",
    },
    {
      name: "requests that end first",
      event: { type: "state", ...who, state: "draining", before: "ready", because: "2 requests" },
      want: "tiny:latest finishes what is in flight: 2 requests",
    },
    {
      name: "no other state, which the answer tells",
      event: { type: "state", ...who, state: "failed", before: "starting", because: "x" },
      want: undefined,
    },
  ] as { name: string; event: LifeEvent; want: string | undefined; isDetail?: boolean }[]
) {
  Deno.test(`textOfEvent() tells of ${name}`, () => {
    deepEqual(textOfEvent(event), want === undefined ? undefined : { text: want, isDetail });
  });
}

for (
  const [attempt, want] of [[1, "1st"], [2, "2nd"], [3, "3rd"], [4, "4th"], [11, "11th"], [12, "12th"], [
    21,
    "21st",
  ], [113, "113th"]] as const
) {
  Deno.test(`textOfEvent() counts the ${want} try`, () => {
    const text = textOfEvent({ type: "recovering", ...who, because: "", attempt, inMs: 0 })!.text;
    equal(/the (\w+) time/.exec(text)![1], want);
  });
}

Deno.test("textOfReport() tells the same of one that is under way already", () => {
  const report = coordinatorReport("tiny", { state: "starting", phase: "loading" });
  equal(textOfReport(report)?.text, "Loading tiny");
  equal(textOfReport({ ...report, progress: { stage: "warming up" } })?.text, "Warming tiny up");
  equal(
    textOfReport({ ...report, phase: undefined, state: "draining", because: "b" })?.text,
    "tiny finishes what is in flight: b",
  );
  equal(textOfReport(coordinatorReport("tiny")), undefined);
});

Deno.test("loadPercent() knows a share only where it knows both numbers", () => {
  equal(loadPercent({ stage: "loading", sentBytes: 1, totalBytes: 3 }), "33 %");
  equal(loadPercent({ stage: "loading", sentBytes: 1 }), undefined);
  equal(loadPercent({ stage: "loading", totalBytes: 1 }), undefined);
});
