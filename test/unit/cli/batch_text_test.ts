import { deepEqual, equal } from "node:assert/strict";
import { resultPaths } from "../../../lib/cli/batch_files.ts";
import { batchProgressText, batchToText, mistakesText, renderBatches } from "../../../lib/cli/batch_text.ts";
import { batchOf } from "../../fixtures/batch_of.ts";

const plain = (_role: string, text: string) => text;

for (
  const { batch, leftMs, text } of [
    { batch: batchOf("validating"), text: "Batch batch_1: the gateway looks at its lines" },
    { batch: batchOf("in_progress"), text: "Batch batch_1 ████░░░░░░ 40 % (3 of 10 done, 1 failed)" },
    {
      batch: batchOf("in_progress", { counts: { total: 10, completed: 9, failed: 0 } }),
      leftMs: 65_000,
      text: "Batch batch_1 █████████░ 90 % (9 of 10 done; 1 min 5 s left)",
    },
    {
      batch: batchOf("in_progress", { counts: { total: 2, completed: 9, failed: 0 } }),
      text: "Batch batch_1 ██████████ 100 % (9 of 2 done)",
    },
    { batch: batchOf("finalizing"), text: "Batch batch_1: its results are put together" },
    { batch: batchOf("cancelling"), text: "Batch batch_1 is cancelled: what is under way is finished" },
    { batch: batchOf("expired"), text: "Batch batch_1 is expired" },
  ]
) {
  Deno.test(`batchProgressText() says "${text}"`, () => {
    equal(batchProgressText(batch, leftMs), text);
  });
}

Deno.test("batchToText() says what is known, and nothing that is not", () => {
  const lines = (text: string) => text.trimEnd().split("\n").map((line) => line.split(/ {2,}/));
  deepEqual(lines(batchToText(batchOf("in_progress"), plain)), [
    ["batch", "batch_1"],
    ["status", "in_progress"],
    ["asks for", "/v1/embeddings"],
    ["requests", "3 of 10 done, 1 failed"],
    ["began", "2026-01-02 00:00:00Z"],
    ["ends at the latest", "2026-01-03 00:00:00Z"],
    ["of", "a test"],
  ]);
  const ended = batchOf("completed", {
    startedAtMs: 1_000,
    endedAtMs: 61_000,
    metadata: { "\x1b[2J": "\u202e" },
  });
  deepEqual(lines(batchToText(ended, plain, [["answers", "a.jsonl"], ["errors", undefined]])).slice(4), [
    ["began", "2026-01-02 00:00:00Z"],
    ["took", "1 min 0 s"],
    ["\u{fffd}[2J", "\u{fffd}"],
    ["answers", "a.jsonl"],
  ]);
});

Deno.test("mistakesText() names lines, drops what steers a terminal, and stops somewhere", () => {
  const mistakes = Array.from(
    { length: 23 },
    (_, index) => ({ code: "c", message: "bad\x1b[2J", line: index + 1 }),
  );
  const lines = mistakesText([{ code: "c", message: "all of it", line: undefined }, ...mistakes]).split("\n");
  deepEqual([lines[0], lines[1], lines.length, lines.at(-1)], [
    "all of it",
    "line 1: bad\u{fffd}[2J",
    21,
    "and 4 more",
  ]);
});

Deno.test("renderBatches() has a line for each", () => {
  const table = renderBatches([batchOf("completed"), batchOf("failed", { id: "batch_2" })], plain);
  deepEqual(table.trimEnd().split("\n").map((line) => line.split(/ {2,}/)), [
    ["BATCH", "STATUS", "ASKS FOR", "REQUESTS", "DONE", "FAILED", "BEGAN"],
    ["batch_1", "completed", "/v1/embeddings", "10", "3", "1", "2026-01-02 00:00:00Z"],
    ["batch_2", "failed", "/v1/embeddings", "10", "3", "1", "2026-01-02 00:00:00Z"],
  ]);
});

for (
  const [base, output, want] of [
    ["dir/a.jsonl", undefined, ["dir/a.out.jsonl", "dir/a.errors.jsonl"]],
    ["a.txt", undefined, ["a.txt.out.jsonl", "a.txt.errors.jsonl"]],
    ["batch_1", undefined, ["batch_1.out.jsonl", "batch_1.errors.jsonl"]],
    ["a.jsonl", "b", ["b", "a.errors.jsonl"]],
  ] as const
) {
  Deno.test(`the results of ${base} go to ${want.join(" and ")}`, () => {
    const { output: answers, errors } = resultPaths(base, output);
    deepEqual([answers, errors], want);
  });
}
