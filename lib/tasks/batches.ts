import { join } from "node:path";
import { type Clock, systemClock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import { GatewayError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { shuttingDown } from "../queue/refusals.ts";
import { openDatabase } from "../store/open_database.ts";
import type {
  Batch,
  BatchQuery,
  BatchService,
  BatchStatus,
  FileQuery,
  Page,
  SendTask,
  StoredFile,
} from "./batch.ts";
import { BatchRunner } from "./batch_runner.ts";
import { BATCH_CONTENT } from "./batch_schema.ts";
import { BatchStore } from "./batch_store.ts";
import { FileFolder } from "./file_folder.ts";
import { FileStore } from "./file_store.ts";
import { Lanes } from "./lanes.ts";
import { type NewBatch, newBatch } from "./new_batch.ts";
import { noSuchBatch } from "./not_found.ts";
import { notKept } from "./not_kept.ts";
import { type NowRequest, type NowResult, runNow } from "./now_run.ts";
import { OwnerLock } from "./owner_lock.ts";
import { StoredFiles } from "./stored_files.ts";
import { TaskStore } from "./task_store.ts";
import type { RequirePermitted } from "./validate_input.ts";

/** What {@linkcode Batches} needs. */
export interface BatchesOptions {
  /** The config in force; read at each use. */
  readonly config: Pick<Config, "batch" | "stateDir">;
  /** Sends one request through the gateway. */
  readonly send: SendTask;
  /** Requires that an owner may have a model asked. @throws {GatewayError} `forbidden`. Default: everybody may. */
  readonly requirePermitted?: RequirePermitted;
  /** Hears of each change of a batch, and of trouble with the disk. */
  readonly logger: Logger;
  /** Default: the host's. */
  readonly clock?: Clock;
  /** From 0 to 1, for the jitter of pauses. Default: `Math.random`. */
  readonly random?: () => number;
  /** A name that no other thing has, of letters and digits. Default: a random UUID without dashes. */
  readonly randomId?: () => string;
}

const ENDED: readonly BatchStatus[] = ["failed", "completed", "expired", "cancelled"];
const CANCELLABLE: readonly BatchStatus[] = ["validating", "in_progress", "finalizing"];

/**
 * The batches of this gateway, kept in its state directory: what was begun goes on by itself. Of several processes with
 * the same directory one runs them. Dispose it before what it sends with.
 */
export class Batches implements BatchService, AsyncDisposable {
  readonly #options: Required<BatchesOptions>;
  readonly #owned = new AsyncDisposableStack();
  readonly #closing = new AbortController();
  readonly #isKept: boolean;
  readonly #batches: BatchStore;
  readonly #files: StoredFiles;
  readonly #lanes: Lanes;
  readonly #runner: BatchRunner;

  private constructor(options: Required<BatchesOptions>) {
    const { config, logger, clock } = options;
    const path = join(config.stateDir, "batches.db");
    const database = this.#owned.use(openDatabase(path, { logger, clock, content: BATCH_CONTENT }));
    const lock = this.#owned.use(new OwnerLock(`${path}.owner`, { logger }));
    const folder = new FileFolder(join(config.stateDir, "files"));
    const files = new FileStore(database, { logger });
    const tasks = new TaskStore(database);
    this.#options = options;
    this.#batches = new BatchStore(database, { logger });
    this.#files = new StoredFiles({ ...options, files, folder });
    this.#lanes = new Lanes({ limit: () => config.batch.concurrency, clock });
    this.#runner = this.#owned.use(
      new BatchRunner({ ...options, batches: this.#batches, tasks, files, folder, lanes: this.#lanes, lock }),
    );
    this.#owned.defer(() => this.#closing.abort(shuttingDown()));
    this.#isKept = database.path !== undefined;
    if (this.#isKept) this.#runner.look(); // else results would be lost, and requests asked again
  }

  /** Opens the state directory, and goes on with what was begun there. */
  static open(options: BatchesOptions): Batches {
    const randomId = () => crypto.randomUUID().replaceAll("-", "");
    const usual = { clock: systemClock, random: Math.random, randomId, requirePermitted: () => {} };
    return new Batches({ ...usual, ...options });
  }

  /** Keeps a file. @throws {GatewayError} `too_large`, also if all files together are; `upstream_failed` if it cannot be written. What the stream throws. */
  async addFile(name: string, content: ReadableStream<Uint8Array>, owner?: string): Promise<StoredFile> {
    if (!this.#isKept) throw notKept("keep the file");
    return await this.#files.add(name, content, owner);
  }

  /** The files, the newest first. @throws {GatewayError} `not_found` if there is no file `after`. */
  listFiles(query: FileQuery): Page<StoredFile> {
    return this.#files.list(query);
  }

  /** What is known of a file. @throws {GatewayError} `not_found`. */
  getFile(id: string): StoredFile {
    return this.#files.get(id);
  }

  /** The content of a file; read it to the end, or cancel it. @throws {GatewayError} `not_found`; `upstream_failed`. */
  readFile(id: string): ReadableStream<Uint8Array> {
    return this.#files.read(id);
  }

  /** Forgets a file. @throws {GatewayError} `not_found`; `conflict` if a batch that runs reads it; `upstream_failed`. */
  removeFile(id: string): void {
    this.#files.remove(id);
  }

  /** Begins a batch; its lines are looked at behind it. @throws {GatewayError} `not_found`, `invalid_request`; `upstream_failed`. */
  createBatch(wanted: NewBatch): Batch {
    const { purpose } = this.#files.get(wanted.inputFileId);
    const batch = newBatch(wanted, { purpose, ...this.#options });
    if (!this.#isKept || !this.#batches.add(batch)) throw notKept("begin the batch");
    this.#runner.look();
    return this.getBatch(batch.id);
  }

  /** The batches, the newest first. @throws {GatewayError} `not_found` if there is no batch `after`. */
  listBatches(query: BatchQuery): Page<Batch> {
    if (query.after !== undefined) this.getBatch(query.after);
    return this.#batches.page(query);
  }

  /** A batch as it is now. @throws {GatewayError} `not_found`. */
  getBatch(id: string): Batch {
    const batch = this.#batches.get(id);
    if (batch) return batch;
    throw noSuchBatch(id);
  }

  /** Has a batch end early: what is under way is finished, nothing else begun. @throws {GatewayError} `not_found`; `conflict` if it has ended; `upstream_failed`. */
  cancelBatch(id: string): Batch {
    const batch = this.#runningBatch(id);
    if (batch.status === "cancelling") return batch;
    const cancellingAtMs = this.#options.clock.now();
    const outcome = this.#batches.step(id, { from: CANCELLABLE, to: "cancelling", cancellingAtMs });
    if (outcome === "not kept") throw notKept("cancel the batch");
    if (outcome === "elsewhere") return this.#runningBatch(id); // another process was quicker
    this.#runner.look();
    return this.getBatch(id);
  }

  /**
   * Runs a few requests from the first reading on, without keeping anything: results as they come. Throws the signal's reason, or
   * `shutting_down` if the gateway closes: who has read it to its end has all of them.
   */
  runNow(
    requests: readonly NowRequest[],
    { id, owner, concurrency, signal }: Parameters<BatchService["runNow"]>[1],
  ): AsyncIterable<NowResult> {
    return runNow(requests, {
      ...this.#options,
      id,
      owner,
      concurrency,
      signal: AbortSignal.any([signal, this.#closing.signal]),
      lanes: this.#lanes,
      retryCount: () => this.#options.config.batch.retryCount,
    });
  }

  /** Gives up what is under way, and keeps the results that are there; the next start goes on. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }

  #runningBatch(id: string): Batch {
    const batch = this.getBatch(id);
    if (!ENDED.includes(batch.status)) return batch;
    throw new GatewayError("conflict", `Cannot cancel batch "${id}": it is ${batch.status} already`);
  }
}
