import type { Clock } from "../clock.ts";
import type { BatchJobs } from "./batch_jobs.ts";
import type { BatchStore } from "./batch_store.ts";
import type { FileFolder } from "./file_folder.ts";
import type { FileStore } from "./file_store.ts";

/** What belongs to no file that is known may be of an upload that is under way, or be needed for a repair, ms. */
const STRAY_MS = 24 * 3600 * 1_000;

/** What {@linkcode sweepBatches} works with. */
export interface SweepOptions {
  /** The batches. */
  readonly batches: BatchStore;
  /** What is known of their files. */
  readonly files: FileStore;
  /** The content of their files. */
  readonly folder: FileFolder;
  /** Forgets their tasks. */
  readonly jobs: BatchJobs;
  /** Tells what is old. */
  readonly clock: Clock;
  /** For how long batches that have ended, and files, are kept. */
  readonly keepMs: () => number;
}

/**
 * Removes batches that ended long ago, files that are as old and belong to no other batch, and what processes that were
 * killed have left.
 *
 * @throws The signal's reason.
 */
export async function sweepBatches(options: SweepOptions, signal: AbortSignal): Promise<void> {
  const { batches, files, folder, jobs, clock } = options;
  const nowMs = clock.now();
  const beforeMs = nowMs - options.keepMs();
  for (const { id } of batches.withOldTasks()) await jobs.removeTasks(id, signal);
  for (const { id } of batches.endedBefore(beforeMs)) batches.remove(id);
  for (const { id } of files.unusedSince(beforeMs)) if (files.remove(id)) folder.remove(id);
  await jobs.giveRoomBack(signal);
  await folder.removeUnknown(Math.min(beforeMs, nowMs - STRAY_MS), (id) => files.isKnown(id));
}
