import type { DatabaseSync } from "node:sqlite";
import type { Logger } from "../log.ts";
import type { Database } from "../store/database.ts";
import { selectRows } from "../store/select_rows.ts";
import type { Batch, BatchMistake, BatchQuery, BatchStatus, Page, StoredFile } from "./batch.ts";
import { batchRow } from "./batch_rows.ts";
import { insertFile } from "./file_store.ts";
import { ownedCondition, selectPage } from "./select_page.ts";

/** A step of a batch from one status to another. What is not named stays as it is. Times are ms since 1970. */
export interface BatchStep {
  /** Where it must be; the step is not made from elsewhere. */
  readonly from: readonly BatchStatus[];
  /** Where it is then. */
  readonly to: BatchStatus;
  /** How many requests it has. */
  readonly totalCount?: number;
  /** Why it failed. */
  readonly mistakes?: readonly BatchMistake[];
  /** The results that are answers. */
  readonly output?: StoredFile | undefined;
  /** The other results. */
  readonly errors?: StoredFile | undefined;
  /** When its requests began. */
  readonly startedAtMs?: number;
  /** When its results began to be put together. */
  readonly finalizingAtMs?: number;
  /** When it was told to end early. */
  readonly cancellingAtMs?: number;
  /** When it ended. */
  readonly endedAtMs?: number;
}

/**
 * What became of a step: it was made, and outlives a restart; the batch was elsewhere by then, or is not there; or it
 * could not be written.
 */
export type StepOutcome = "made" | "elsewhere" | "not kept";

/** The batches themselves, without their tasks. Synchronous; logs each step. */
export class BatchStore {
  readonly #database: Database;
  readonly #logger: Logger;

  /** Stays the caller's: the database. */
  constructor(database: Database, { logger }: { logger: Logger }) {
    this.#database = database;
    this.#logger = logger;
  }

  /** Adds one that begins. @returns Whether it outlives a restart. */
  add(batch: Batch): boolean {
    const { id, endpoint, inputFileId, completionWindow, status, metadata } = batch;
    const isKept = this.#database.write((connection) => {
      connection.prepare(INSERT).run(
        id,
        endpoint,
        inputFileId,
        completionWindow,
        status,
        JSON.stringify(metadata),
        batch.createdAtMs,
        batch.expiresAtMs,
        batch.owner ?? null,
      );
    });
    if (isKept) this.#tell(id);
    return isKept;
  }

  /** `undefined` if there is none of that name, or it cannot be read. */
  get(id: string): Batch | undefined {
    return this.#select("SELECT * FROM batch WHERE id = ?", id)?.[0];
  }

  /** The newest first; after the batch `after`, if one is named, and of one owner, if that is. */
  page({ limit, after, of }: BatchQuery): Page<Batch> {
    const query = { table: "batch", ...ownedCondition(of), shape: batchRow, limit, after };
    const none: Page<Batch> = { items: [], hasMore: false };
    return this.#database.read((connection) => selectPage(connection, query, this.#logger), none);
  }

  /** Those that have not ended, the oldest first; `undefined` if they cannot be read now. */
  unfinished(): Batch[] | undefined {
    return this.#select("SELECT * FROM batch WHERE ended_at_ms IS NULL ORDER BY serial");
  }

  /** Those that ended before that moment. */
  endedBefore(beforeMs: number): Batch[] {
    return this.#select("SELECT * FROM batch WHERE ended_at_ms < ?", beforeMs) ?? [];
  }

  /** Those that ended and still have tasks, which nobody needs. */
  withOldTasks(): Batch[] {
    return this.#select(
      "SELECT * FROM batch WHERE ended_at_ms IS NOT NULL AND EXISTS (SELECT 1 FROM task WHERE task.batch = batch.serial)",
    ) ?? [];
  }

  /** Makes a step, files and all, or nothing. */
  step(id: string, { from, to, ...values }: BatchStep): StepOutcome {
    const columns = columnsOf(values);
    const names = ["status", ...Object.keys(columns)].map((name) => `${name} = ?`).join(", ");
    const places = from.map(() => "?").join(", ");
    let isThere = false;
    const isKept = this.#database.write((connection) => {
      const { changes } = connection.prepare(
        `UPDATE batch SET ${names} WHERE id = ? AND status IN (${places})`,
      ).run(to, ...Object.values(columns), id, ...from);
      isThere = Number(changes) > 0;
      for (const file of [values.output, values.errors]) if (isThere && file) insertFile(connection, file);
    });
    if (!isKept) return "not kept";
    if (!isThere) return "elsewhere";
    this.#tell(id);
    return "made";
  }

  /** Forgets a batch that has no tasks. */
  remove(id: string): void {
    this.#database.write((connection) => {
      connection.prepare("DELETE FROM batch WHERE id = ?").run(id);
    });
  }

  #tell(id: string): void {
    const batch = this.get(id);
    this.#logger.info("batch changed its status", { batch: id, status: batch?.status, ...batch?.counts });
  }

  #select(sql: string, ...parameters: (string | number | null)[]): Batch[] | undefined {
    const select = (connection: DatabaseSync): Batch[] | undefined =>
      selectRows(connection, { sql, parameters, shape: batchRow }, this.#logger);
    return this.#database.read(select, undefined);
  }
}

const INSERT = `
  INSERT INTO batch (id, endpoint, input_file_id, completion_window, status, mistakes, total_count, completed_count,
    failed_count, metadata, created_at_ms, expires_at_ms, owner)
  VALUES (?, ?, ?, ?, ?, '[]', 0, 0, 0, ?, ?, ?, ?)`;

function columnsOf(values: Omit<BatchStep, "from" | "to">): Record<string, string | number> {
  const columns: Record<string, string | number | undefined> = {
    total_count: values.totalCount,
    mistakes: values.mistakes && JSON.stringify(values.mistakes),
    output_file_id: values.output?.id,
    error_file_id: values.errors?.id,
    started_at_ms: values.startedAtMs,
    finalizing_at_ms: values.finalizingAtMs,
    cancelling_at_ms: values.cancellingAtMs,
    ended_at_ms: values.endedAtMs,
  };
  const said = Object.entries(columns).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const]
  );
  return Object.fromEntries(said);
}
