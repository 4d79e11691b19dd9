import { deepEqual, equal, ok } from "node:assert/strict";
import { killInTurn, RETURN_LIMIT_MS } from "./node_kills.ts";

Deno.test("a node that is killed under load costs no request, and is asked again soon after its return", async () => {
  const { outcomes, returns } = await killInTurn({
    clientCount: 16,
    durationMs: 10_000,
    killEveryMs: 2_000,
    killCount: 1,
  });
  deepEqual(outcomes.filter(({ end }) => end === "failed"), []);
  equal(new Set(outcomes.map(({ upstream }) => upstream)).size, 3, "a node got nothing");
  for (const { name, returnMs } of returns) {
    ok(returnMs <= RETURN_LIMIT_MS, `${name} waited for ${returnMs} ms`);
  }
});
