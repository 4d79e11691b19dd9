import { deepEqual, equal } from "node:assert/strict";
import { DecisionLog, KEPT_DECISIONS, type LoggedDecision } from "../../../lib/router/decision_log.ts";

const decision = (requestId: string, model = "m"): LoggedDecision => ({
  at: "2026-01-01T00:00:00.000Z",
  requestId,
  task: "chat",
  model,
  to: "node",
  upstream: "gpu1",
  because: "it is loaded there",
  attemptCount: 1,
  outcome: "ok",
  status: 200,
  queueMs: 0,
  loadMs: 0,
  durationMs: 5,
  error: undefined,
});

const idsOf = (decisions: readonly LoggedDecision[]) => decisions.map(({ requestId }) => requestId);

Deno.test("the newest decision is listed first, and no more than asked for", () => {
  const log = new DecisionLog();
  for (const id of ["a", "b", "c"]) log.add(decision(id));
  deepEqual(idsOf(log.list({ limit: 2 })), ["c", "b"]);
  deepEqual(idsOf(log.list({ limit: 10 })), ["c", "b", "a"]);
});

Deno.test("only those that match count", () => {
  const log = new DecisionLog();
  for (const id of ["a", "b", "c"]) log.add(decision(id, id === "b" ? "n" : "m"));
  deepEqual(idsOf(log.list({ limit: 1, matches: ({ model }) => model === "n" })), ["b"]);
});

Deno.test("the oldest are forgotten", () => {
  const log = new DecisionLog();
  for (let at = 0; at < 2 * KEPT_DECISIONS + 3; at++) log.add(decision(String(at)));
  const all = idsOf(log.list({ limit: Infinity }));
  equal(all.length, KEPT_DECISIONS);
  equal(all[0], String(2 * KEPT_DECISIONS + 2));
  equal(all.at(-1), String(KEPT_DECISIONS + 3));
});

Deno.test("where nothing was decided, nothing is listed", () => {
  deepEqual(new DecisionLog().list({ limit: 10 }), []);
});
