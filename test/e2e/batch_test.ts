import { deepEqual, equal, ok } from "node:assert/strict";
import { runAndKill } from "./batch_bed.ts";

const LINE_COUNT = 500;

Deno.test("a batch whose gateway is killed on the way has each result once, in order, and its command waits for it", async () => {
  const { command, ids, hasErrors, kills, askedCounts } = await runAndKill({
    lineCount: LINE_COUNT,
    killCount: 1,
  });
  equal(command.code, 0, command.stderr);
  deepEqual(ids, Array.from({ length: LINE_COUNT }, (_, n) => `q${n}`));
  equal(hasErrors, false);
  ok(kills[0]! < LINE_COUNT, "it was killed when all was over");
  const askedAgain = [...askedCounts.values()].filter((count) => count > 1).length;
  ok(askedAgain < 200, `${askedAgain} requests were asked again, though their answers had come`);
});
