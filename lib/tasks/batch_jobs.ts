import type { Clock } from "../clock.ts";
import { GatewayError } from "../errors.ts";
import type { Batch, StoredFile } from "./batch.ts";
import type { BatchStep, BatchStore } from "./batch_store.ts";
import type { FileFolder } from "./file_folder.ts";
import type { TaskStore } from "./task_store.ts";
import { TimeSlice } from "./time_slice.ts";
import { type RequirePermitted, type ValidatedInput, validateInput } from "./validate_input.ts";
import { type ResultFile, type ResultFiles, writeResults } from "./write_results.ts";

/** Tasks that are forgotten at a time: it holds up whatever else the process does, some ms. */
const REMOVE_COUNT = 250;
/** Pages of the file, of 4 KiB, that are given back at a time. */
const GIVE_BACK_COUNT = 256;

/** What {@linkcode BatchJobs} works with. */
export interface BatchJobsOptions {
  /** The batches. */
  readonly batches: BatchStore;
  /** Their tasks. */
  readonly tasks: TaskStore;
  /** The content of their files. */
  readonly folder: FileFolder;
  /** Requires that an owner may have a model asked. */
  readonly requirePermitted: RequirePermitted;
  /** Dates each step. */
  readonly clock: Clock;
  /** A name that no other thing has, of letters and digits. */
  readonly randomId: () => string;
}

/** What comes before and after the asking. Each job may be broken off and begun anew, also by the next process. */
export class BatchJobs {
  readonly #options: BatchJobsOptions;

  /** Works on what the caller owns. */
  constructor(options: BatchJobsOptions) {
    this.#options = options;
  }

  /**
   * Does what is next for a batch that asks nothing.
   *
   * @returns Whether it is done; if not, try again later.
   * @throws {GatewayError} `upstream_failed`. The signal's reason.
   */
  async work(id: string, signal: AbortSignal): Promise<boolean> {
    const batch = this.#options.batches.get(id);
    if (batch?.status === "validating") return await this.#validate(batch, signal);
    if (batch?.status === "finalizing" || batch?.status === "cancelling") {
      return await this.#finalize(batch, signal);
    }
    return true;
  }

  /** Forgets all tasks of a batch and their results. @returns Whether none is left. @throws The signal's reason. */
  async removeTasks(id: string, signal: AbortSignal): Promise<boolean> {
    const slice = new TimeSlice(this.#options.clock);
    for (;;) {
      const hasMore = this.#options.tasks.removeSome(id, REMOVE_COUNT);
      if (!hasMore) return hasMore === false;
      if (slice.isOver) await slice.next();
      signal.throwIfAborted();
    }
  }

  /** Gives the room of what was forgotten back to the disk. @throws The signal's reason. */
  async giveRoomBack(signal: AbortSignal): Promise<void> {
    const slice = new TimeSlice(this.#options.clock);
    while (this.#options.tasks.giveBackSome(GIVE_BACK_COUNT)) {
      if (slice.isOver) await slice.next();
      signal.throwIfAborted();
    }
  }

  async #validate(batch: Batch, signal: AbortSignal): Promise<boolean> {
    const { batches, clock } = this.#options;
    const { id } = batch;
    if (!await this.removeTasks(id, signal)) return false; // what a process that was killed has left
    const isWanted = () => batches.get(id)?.status === "validating";
    const found = await this.#look(batch, { isWanted, signal });
    if (found === undefined) return true;
    const { mistakes, totalCount } = found;
    const from = ["validating"] as const;
    if (mistakes.length === 0) {
      return batches.step(id, { from, to: "in_progress", totalCount, startedAtMs: clock.now() }) === "made";
    }
    if (batches.step(id, { from, to: "failed", mistakes, endedAtMs: clock.now() }) !== "made") return false;
    return await this.removeTasks(id, signal);
  }

  async #look(
    batch: Batch,
    options: { readonly isWanted: () => boolean; readonly signal: AbortSignal },
  ): Promise<ValidatedInput | undefined> {
    try {
      return await validateInput(batch, { ...this.#options, ...options });
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== "not_found") throw error;
      const gone = { code: "file_not_found", message: error.message, line: undefined };
      return { totalCount: 0, mistakes: [gone] };
    }
  }

  async #finalize(batch: Batch, signal: AbortSignal): Promise<boolean> {
    const { batches, clock } = this.#options;
    const { id, status, expiresAtMs } = batch;
    const isCancelled = status === "cancelling";
    const found = await writeResults(batch, { ...this.#options, tellsUnanswered: !isCancelled, signal });
    const nowMs = clock.now();
    const isTooEarly = !isCancelled && found.unansweredCount > 0 && nowMs < expiresAtMs;
    const step = isTooEarly ? { from: [status], to: "in_progress" as const } : this.#lastStep(batch, found);
    const isMade = batches.step(id, step) === "made";
    if (!isMade || isTooEarly) this.#remove(found);
    return isMade && (isTooEarly || await this.removeTasks(id, signal));
  }

  #lastStep({ id, status, owner }: Batch, { output, errors, unansweredCount }: ResultFiles): BatchStep {
    const endedAtMs = this.#options.clock.now();
    const asStored = (file: ResultFile | undefined, name: string): StoredFile | undefined =>
      file && { ...file, name, purpose: "batch_output", createdAtMs: endedAtMs, owner };
    return {
      from: [status],
      to: status === "cancelling" ? "cancelled" : unansweredCount > 0 ? "expired" : "completed",
      output: asStored(output, `${id}_output.jsonl`),
      errors: asStored(errors, `${id}_error.jsonl`),
      endedAtMs,
    };
  }

  #remove({ output, errors }: ResultFiles): void {
    for (const file of [output, errors]) if (file) this.#options.folder.remove(file.id);
  }
}
