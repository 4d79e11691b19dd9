import { deepEqual, ok } from "node:assert/strict";
import { failOne, lateWindows, SHARE_LIMIT, shareOf } from "./failing_node.ts";

Deno.test("a node that answers 500 at once attracts no traffic, and no client sees a 500", async () => {
  const { outcomes, windows } = await failOne({ clientCount: 32, failingMs: 7_000 });
  deepEqual(outcomes.filter(({ end }) => end !== "whole"), []);
  const late = lateWindows(windows);
  const [failingCount, askedCount] = [total(late, "failingCount"), total(late, "askedCount")];
  const share = shareOf({ untilMs: 0, failingCount, askedCount });
  ok(share < SHARE_LIMIT, `${failingCount} of ${askedCount} attempts went there`);
  ok(windows.some(({ failingCount }) => failingCount > 0), "it was never asked at all");
});

function total(
  windows: Awaited<ReturnType<typeof failOne>>["windows"],
  what: "failingCount" | "askedCount",
): number {
  return windows.reduce((sum, window) => sum + window[what], 0);
}
