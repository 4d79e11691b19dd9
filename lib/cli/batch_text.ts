import type { Batch, BatchMistake, BatchStatus } from "../tasks/batch.ts";
import { formatDuration } from "../units.ts";
import { barOf, percentOf } from "./share_bar.ts";
import { renderFields, renderTable } from "./table.ts";
import { type Paint, printable, type Role } from "./terminal.ts";

/** Of many mistakes so many are told. */
const TOLD_MISTAKES = 20;

const ROLES: Record<BatchStatus, Role> = {
  validating: "doubtful",
  in_progress: "doubtful",
  finalizing: "doubtful",
  cancelling: "doubtful",
  completed: "good",
  failed: "bad",
  expired: "bad",
  cancelled: "quiet",
};
const STATUS_COLUMN = 1;

/** Which part of its requests is over, from 0 to 1. */
export function doneShare({ counts }: Pick<Batch, "counts">): number {
  return counts.total === 0 ? 0 : Math.min(1, (counts.completed + counts.failed) / counts.total);
}

/** How far a batch is, in one line. @param leftMs How long it may still take, where that is known. */
export function batchProgressText(batch: Batch, leftMs: number | undefined): string {
  const { id, status } = batch;
  switch (status) {
    case "validating":
      return `Batch ${id}: the gateway looks at its lines`;
    case "in_progress": {
      const share = doneShare(batch);
      const left = leftMs === undefined ? "" : `; ${formatDuration(leftMs)} left`;
      return `Batch ${id} ${barOf(share)} ${percentOf(share)} (${countsText(batch)}${left})`;
    }
    case "finalizing":
      return `Batch ${id}: its results are put together`;
    case "cancelling":
      return `Batch ${id} is cancelled: what is under way is finished`;
    default:
      return `Batch ${id} is ${status}`;
  }
}

/** `9990 of 10000 done, 10 failed`. */
function countsText({ counts: { total, completed, failed } }: Pick<Batch, "counts">): string {
  return `${completed} of ${total} done${failed === 0 ? "" : `, ${failed} failed`}`;
}

/** What is known of a batch, one thing a line. @param more Further lines. */
export function batchToText(
  batch: Batch,
  paint: Paint,
  more: readonly (readonly [name: string, value: string | undefined])[] = [],
): string {
  const { id, status, endpoint, startedAtMs, endedAtMs, mistakes, metadata } = batch;
  const fields = renderFields([
    ["batch", printable(id)],
    ["status", paint(ROLES[status], status)],
    ["asks for", endpoint],
    ["requests", batch.counts.total === 0 ? undefined : countsText(batch)],
    ["began", timeText(batch.createdAtMs)],
    ["took", startedAtMs && endedAtMs ? formatDuration(endedAtMs - startedAtMs) : undefined],
    ["ends at the latest", endedAtMs ? undefined : timeText(batch.expiresAtMs)],
    ...Object.entries(metadata).map(([name, value]) => [printable(name), printable(value)] as const),
    ...more,
  ]);
  return mistakes.length === 0 ? fields : `${fields}\n${mistakesText(mistakes)}\n`;
}

/** What is wrong with an input, a line each. */
export function mistakesText(mistakes: readonly BatchMistake[]): string {
  const moreCount = mistakes.length - TOLD_MISTAKES;
  return [
    ...mistakes.slice(0, TOLD_MISTAKES).map(({ line, message }) =>
      printable(line === undefined ? message : `line ${line}: ${message}`)
    ),
    ...(moreCount > 0 ? [`and ${moreCount} more`] : []),
  ].join("\n");
}

/** A table of batches. */
export function renderBatches(batches: readonly Batch[], paint: Paint): string {
  const right = { align: "right" } as const;
  return renderTable(
    [
      { title: "BATCH" },
      { title: "STATUS" },
      { title: "ASKS FOR" },
      { title: "REQUESTS", ...right },
      { title: "DONE", ...right },
      { title: "FAILED", ...right },
      { title: "BEGAN" },
    ],
    batches.map(({ id, status, endpoint, counts, createdAtMs }) => [
      printable(id),
      status,
      endpoint,
      String(counts.total),
      String(counts.completed),
      String(counts.failed),
      timeText(createdAtMs),
    ]),
    (cell, column, row) => {
      if (row < 0) return paint("heading", cell);
      return column === STATUS_COLUMN ? paint(ROLES[batches[row]!.status], cell) : cell;
    },
  );
}

/** `2026-01-02 03:04:05Z`: the gateway may be in another time zone. */
function timeText(ms: number): string {
  return new Date(ms).toISOString().replace("T", " ").replace(/\.\d+Z$/, "Z");
}
