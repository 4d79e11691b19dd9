import type { Clock } from "../clock.ts";
import { backOffMs } from "../back_off.ts";
import type { Config } from "../config/config.ts";
import { GatewayError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { shuttingDown } from "../queue/refusals.ts";
import { Alarm } from "../registry/alarm.ts";
import { CheckQueue } from "../registry/check_queue.ts";
import type { Batch, SendTask } from "./batch.ts";
import { BatchJobs } from "./batch_jobs.ts";
import { BatchRun } from "./batch_run.ts";
import type { BatchStore } from "./batch_store.ts";
import { sweepBatches } from "./batch_sweep.ts";
import type { FileFolder } from "./file_folder.ts";
import type { FileStore } from "./file_store.ts";
import type { Lanes } from "./lanes.ts";
import type { OwnerLock } from "./owner_lock.ts";
import { ResultWriter } from "./result_writer.ts";
import type { TaskResult, TaskStore } from "./task_store.ts";
import type { RequirePermitted } from "./validate_input.ts";

/** How often all batches are looked at without an occasion, ms: other processes may change them, and clocks be set. */
const LOOK_MS = 5_000;
/** Inputs that are looked at, and results that are put together, at a time. */
const JOB_COUNT = 2;

/** How often what is old is removed, ms. */
const SWEEP_MS = 3600 * 1_000;
/** Stands for that among the jobs; a batch has another name. */
const SWEEP = "sweep";

/** What {@linkcode BatchRunner} needs. */
export interface BatchRunnerOptions {
  /** The config in force; read at each use. */
  readonly config: Pick<Config, "batch">;
  /** The batches. */
  readonly batches: BatchStore;
  /** Their tasks. */
  readonly tasks: TaskStore;
  /** What is known of their files. */
  readonly files: FileStore;
  /** The content of their files. */
  readonly folder: FileFolder;
  /** Where their requests are under way; others may use it too. */
  readonly lanes: Lanes;
  /** Only who holds it runs batches. */
  readonly lock: Pick<OwnerLock, "take">;
  /** Requires that an owner may have a model asked. */
  readonly requirePermitted: RequirePermitted;
  /** Sends one request. */
  readonly send: SendTask;
  /** Hears of trouble. */
  readonly logger: Logger;
  /** For pauses and expiry. */
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  /** A name that no other thing has, of letters and digits. */
  readonly randomId: () => string;
}

interface Setback {
  readonly count: number;
  readonly untilMs: number;
}

/**
 * Brings each batch to its end. What a batch is, is in the store only: whoever changes it there calls {@linkcode look}, and
 * what a process has left is found by the next one.
 */
export class BatchRunner implements AsyncDisposable {
  readonly #options: BatchRunnerOptions;
  readonly #runs = new Map<string, BatchRun>();
  readonly #jobs: BatchJobs;
  readonly #jobQueue: CheckQueue<string>;
  readonly #asked = new Set<string>();
  readonly #setbacks = new Map<string, Setback>();
  readonly #writer: ResultWriter;
  readonly #alarm: Alarm;
  #sweepAtMs = -Infinity;
  #isClosed = false;

  /** Does nothing before the first {@linkcode look}. */
  constructor(options: BatchRunnerOptions) {
    const { clock, tasks } = options;
    this.#options = options;
    this.#jobs = new BatchJobs(options);
    this.#jobQueue = new CheckQueue((id, signal) => this.#work(id, signal), () => JOB_COUNT);
    this.#writer = new ResultWriter({ tasks, clock, onKept: (results) => this.#onKept(results) });
    this.#alarm = new Alarm(clock, () => this.look());
  }

  /** Looks at all batches that have not ended, sets about what is next for each, and from then on does so by itself. */
  look(): void {
    if (this.#isClosed) return;
    const isOwner = this.#options.lock.take();
    const batches = isOwner ? this.#options.batches.unfinished() ?? [] : [];
    for (const batch of batches) this.#advance(batch);
    if (isOwner) this.#sweepIfDue();
    this.#options.lanes.advance(); // its limit may have grown
    this.#ringLater(batches);
  }

  /** Gives up what is under way, and keeps the results that are there; the next process goes on. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#alarm[Symbol.dispose]();
    const reason = shuttingDown();
    for (const run of this.#runs.values()) run.abort(reason);
    await this.#jobQueue[Symbol.asyncDispose]();
    await this.#options.lanes[Symbol.asyncDispose]();
    this.#writer[Symbol.dispose]();
  }

  #advance(batch: Batch): void {
    const { batches, clock } = this.#options;
    const { id, status } = batch;
    const nowMs = clock.now();
    const isExpired = nowMs >= batch.expiresAtMs;
    const isAsking = status === "in_progress" || status === "cancelling";
    if (isAsking && !this.#hasEnded(batch, isExpired)) return;
    if (status === "validating" && isExpired) {
      batches.step(id, { from: [status], to: "expired", endedAtMs: nowMs });
    } else if (status !== "in_progress") {
      this.#askJob(id);
    } else if (batches.step(id, { from: [status], to: "finalizing", finalizingAtMs: nowMs }) === "made") {
      this.#askJob(id);
    }
  }

  /** Whether nothing of it is asked any more; has it begin or end, if it is to. */
  #hasEnded(batch: Batch, isExpired: boolean): boolean {
    const { id, status } = batch;
    const isWanted = status === "in_progress" && !isExpired;
    const run = this.#runs.get(id) ?? (isWanted ? this.#start(batch) : undefined);
    if (!run) return !isWanted;
    if (isExpired) {
      run.abort(new GatewayError("upstream_timeout", "The completion window of the batch is over"));
    } else if (!isWanted) run.finish();
    if (!run.isOver) return false;
    this.#runs.delete(id);
    this.#options.lanes.remove(run);
    return true;
  }

  #start(batch: Batch): BatchRun | undefined {
    const { lanes, config } = this.#options;
    const run = BatchRun.of(batch, {
      ...this.#options,
      writer: this.#writer,
      retryCount: () => config.batch.retryCount,
      onOver: () => this.look(),
    });
    if (!run) return undefined;
    this.#runs.set(batch.id, run);
    lanes.add(run);
    return run;
  }

  #sweepIfDue(): void {
    const nowMs = this.#options.clock.monotonic();
    if (nowMs < this.#sweepAtMs) return;
    this.#sweepAtMs = nowMs + SWEEP_MS;
    this.#askJob(SWEEP);
  }

  #askJob(id: string): void {
    const { clock } = this.#options;
    if (this.#asked.has(id) || clock.monotonic() < (this.#setbacks.get(id)?.untilMs ?? -Infinity)) return;
    this.#asked.add(id);
    void this.#jobQueue.ask(id, { isQuick: true, isUrgent: false }).then(() => {
      this.#asked.delete(id);
      this.look();
    });
  }

  async #work(id: string, signal: AbortSignal): Promise<void> {
    const isDone = await this.#tryWork(id, signal);
    const count = (this.#setbacks.get(id)?.count ?? 0) + 1;
    const untilMs = this.#options.clock.monotonic() + backOffMs(count, this.#options.random());
    if (isDone) this.#setbacks.delete(id);
    else this.#setbacks.set(id, { count, untilMs });
  }

  async #tryWork(id: string, signal: AbortSignal): Promise<boolean> {
    const { config, logger } = this.#options;
    try {
      if (id !== SWEEP) return await this.#jobs.work(id, signal);
      await sweepBatches({ ...this.#options, jobs: this.#jobs, keepMs: () => config.batch.keepMs }, signal);
      return true;
    } catch (reason) {
      if (!signal.aborted) logger.warn("batch cannot go on for now", { batch: id, reason });
      return false;
    }
  }

  #onKept(results: readonly TaskResult[]): void {
    for (const [id, kept] of Map.groupBy(results, ({ batchId }) => batchId)) {
      this.#runs.get(id)?.onKept(kept.length);
    }
    this.#options.lanes.advance(); // the disk may have refused results before
  }

  #ringLater(batches: readonly Batch[]): void {
    const { clock } = this.#options;
    const toExpiryMs = batches.map(({ expiresAtMs }) => expiresAtMs - clock.now());
    const toRetryMs = [...this.#setbacks.values()].map(({ untilMs }) => untilMs - clock.monotonic());
    const inMs = [...toExpiryMs, ...toRetryMs].filter((ms) => ms > 0); // what was due waits for something else
    this.#alarm.ringBy(clock.monotonic() + Math.min(LOOK_MS, ...inMs));
  }
}
