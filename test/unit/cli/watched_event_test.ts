import { deepEqual, equal } from "node:assert/strict";
import { readWatchedEvent } from "../../../lib/cli/watched_event.ts";
import { coordinatorReport } from "../../fixtures/coordinator_reports.ts";

const read = (type: string, data: unknown) =>
  readWatchedEvent({ type, data: JSON.stringify(data, (_key, value) => value === undefined ? null : value) });

Deno.test("readWatchedEvent() reads a snapshot as it was written", () => {
  const coordinators = [
    coordinatorReport("a", { expiresInMs: null }),
    coordinatorReport("b", { id: "c2", inFlightCount: 1, expiresInMs: undefined }),
    coordinatorReport("c", {
      id: "c3",
      state: "starting",
      phase: "loading",
      upMs: undefined,
      placement: undefined,
      expiresInMs: undefined,
      progress: { stage: "loading", sentBytes: 1, totalBytes: undefined },
    }),
    coordinatorReport("d", { id: "c4", failures: [{ at: "2026-01-01T00:00:00Z", reason: "it died" }] }),
  ];
  deepEqual(read("snapshot", { coordinators }), { type: "snapshot", coordinators });
});

const who = { id: "c1", model: "m" };
for (
  const event of [
    { type: "state", ...who, state: "ready", before: "starting", because: "x" },
    { type: "phase", ...who, phase: "waiting for room", because: "x" },
    { type: "loading", ...who, stage: "loading", sentBytes: 1, totalBytes: 2 },
    { type: "recovering", ...who, because: "x", attempt: 1, inMs: 5 },
  ]
) {
  Deno.test(`readWatchedEvent() reads ${event.type}, and leaves out what it does not know`, () => {
    deepEqual(read(event.type, { at: "now", more: 1, ...event }), event);
  });
}

Deno.test("readWatchedEvent() makes nothing of other events, whatever they hold", () => {
  for (const type of ["evicted", "recovered", "backend", "config", "missed", "message", "toString"]) {
    equal(readWatchedEvent({ type, data: "{" }), "other");
  }
});

for (
  const { name, type, data } of [
    { name: "no JSON", type: "state", data: "{" },
    { name: "nothing", type: "state", data: "" },
    { name: "null", type: "snapshot", data: "null" },
    { name: "a list that is none", type: "snapshot", data: '{"coordinators":{}}' },
    { name: "a report without fields", type: "snapshot", data: '{"coordinators":[{}]}' },
    {
      name: "an unknown state",
      type: "state",
      data: '{"type":"state","id":"c1","model":"m","state":"happy","before":"ready","because":""}',
    },
    {
      name: "bytes that are no number",
      type: "loading",
      data: '{"type":"loading","id":"c1","model":"m","stage":"loading","sentBytes":"1"}',
    },
  ]
) {
  Deno.test(`readWatchedEvent() calls ${name} malformed`, () => {
    equal(readWatchedEvent({ type, data }), "malformed");
  });
}
