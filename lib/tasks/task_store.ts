import type { DatabaseSync } from "node:sqlite";
import type { Database } from "../store/database.ts";
import { writeLazily } from "./lazy_write.ts";

/** A request of a batch: a line of its input. */
export interface Task {
  /** Its line, from 1, which no other task of the batch has. */
  readonly number: number;
  /** By which its sender knows it. */
  readonly customId: string;
  /** Tasks for one model are in one queue, from 0. */
  readonly queue: number;
  /** Where its line begins in the input. */
  readonly startByte: number;
  /** Length of its line, without the line feed. */
  readonly byteCount: number;
}

/** What became of a task. */
export interface TaskResult {
  /** Whose task it is. */
  readonly batchId: string;
  /** The task's line, from 1. */
  readonly number: number;
  /** Whether it is an answer, not an error. */
  readonly isSuccess: boolean;
  /** JSON of one line, without the line feed. */
  readonly outputLine: string;
}

/** A task, and its result if it has one. */
export interface Outcome {
  /** The task's line, from 1. */
  readonly number: number;
  /** By which its sender knows it. */
  readonly customId: string;
  /** Whether there is an answer, not an error. */
  readonly isSuccess: boolean;
  /** `undefined`: nobody answered. */
  readonly outputLine: string | undefined;
}

/** The tasks of batches, and their results. Synchronous; a method returns `undefined` where the file cannot be read. */
export class TaskStore {
  readonly #database: Database;

  /** Stays the caller's: the database. */
  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Adds tasks, but for those whose custom id another task of the batch has.
   *
   * @returns For each of these the task that has it; `undefined` if nothing could be added.
   */
  add(batchId: string, tasks: readonly Task[]): { task: Task; earlier: number }[] | undefined {
    const refused: { task: Task; earlier: number }[] = [];
    const isKept = writeLazily(this.#database, (connection) => {
      const batch = serialOf(connection, batchId);
      const insert = connection.prepare("INSERT OR IGNORE INTO task VALUES (?, ?, ?, ?, ?, ?)");
      for (const task of tasks) {
        const { number, customId, queue, startByte, byteCount } = task;
        const { changes } = insert.run(batch, number, customId, queue, startByte, byteCount);
        if (Number(changes) > 0) continue;
        const other = connection.prepare("SELECT number FROM task WHERE batch = ? AND custom_id = ?")
          .get(batch, customId);
        refused.push({ task, earlier: Number(other?.["number"]) });
      }
    });
    return isKept ? refused : undefined;
  }

  /** The number of queues that a batch has. */
  queueCount(batchId: string): number | undefined {
    return this.#read((connection) => {
      const row = connection.prepare("SELECT max(queue) AS last FROM task WHERE batch = ?")
        .get(serialOf(connection, batchId));
      return Number(row?.["last"] ?? -1) + 1;
    });
  }

  /** Tasks of a queue that have no result, in order, after the task `after`. */
  pending(
    batchId: string,
    { queue, after, limit }: { readonly queue: number; readonly after: number; readonly limit: number },
  ): Task[] | undefined {
    return this.#read((connection) =>
      connection.prepare(PENDING).all(serialOf(connection, batchId), queue, after, limit).map(taskOf)
    );
  }

  /** Adds results and counts them; one for a task that has one already is dropped. @returns Whether they outlive a kill. */
  addResults(results: readonly TaskResult[]): boolean {
    return writeLazily(this.#database, (connection) => {
      const insert = connection.prepare("INSERT OR IGNORE INTO result VALUES (?, ?, ?, ?)");
      const count = connection.prepare(
        "UPDATE batch SET completed_count = completed_count + ?, failed_count = failed_count + ? WHERE serial = ?",
      );
      for (const { batchId, number, isSuccess, outputLine } of results) {
        const batch = serialOf(connection, batchId);
        const { changes } = insert.run(batch, number, isSuccess ? 1 : 0, outputLine);
        if (Number(changes) > 0) count.run(isSuccess ? 1 : 0, isSuccess ? 0 : 1, batch);
      }
    });
  }

  /** The tasks after `after` in the order of their lines: as many as fit into `maxBytes`, at least one. */
  outcomes(
    batchId: string,
    { after, maxBytes }: { readonly after: number; readonly maxBytes: number },
  ): Outcome[] | undefined {
    return this.#read((connection) => {
      const outcomes: Outcome[] = [];
      let bytes = 0;
      for (const row of connection.prepare(OUTCOMES).iterate(serialOf(connection, batchId), after)) {
        const outcome = outcomeOf(row);
        outcomes.push(outcome);
        bytes += ROW_BYTES + outcome.customId.length + (outcome.outputLine?.length ?? 0);
        if (bytes >= maxBytes) break;
      }
      return outcomes;
    });
  }

  /** Forgets some tasks of a batch, and their results. @returns Whether there are more; `undefined` if it failed. */
  removeSome(batchId: string, limit: number): boolean | undefined {
    let removedCount = 0;
    const isKept = writeLazily(this.#database, (connection) => {
      const batch = serialOf(connection, batchId);
      const last = connection.prepare(
        "SELECT max(number) AS last FROM (SELECT number FROM task WHERE batch = ? ORDER BY number LIMIT ?)",
      )
        .get(batch, limit)?.["last"] ?? 0;
      connection.prepare("DELETE FROM result WHERE batch = ? AND number <= ?").run(batch, last);
      const { changes } = connection.prepare("DELETE FROM task WHERE batch = ? AND number <= ?").run(
        batch,
        last,
      );
      removedCount = Number(changes);
    });
    return isKept ? removedCount === limit : undefined;
  }

  /** Gives some of the room back to the disk that was freed. @returns Whether there is more; `undefined` if it failed. */
  giveBackSome(pageCount: number): boolean | undefined {
    let hasMore = false;
    const isDone = writeLazily(this.#database, (connection) => {
      const before = freePageCount(connection);
      connection.prepare(`PRAGMA incremental_vacuum(${pageCount})`).all(); // a step a page
      const left = freePageCount(connection);
      hasMore = left > 0 && left < before; // a file that was not begun so keeps all of its pages
    });
    return isDone ? hasMore : undefined;
  }

  #read<T>(query: (connection: DatabaseSync) => T): T | undefined {
    return this.#database.read<T | undefined>(query, undefined);
  }
}

/** What a row costs beside its text, about. */
const ROW_BYTES = 100;

const PENDING = `
  SELECT number, custom_id, queue, start_byte, byte_count FROM task
  WHERE batch = ? AND queue = ? AND number > ?
    AND NOT EXISTS (SELECT 1 FROM result WHERE result.batch = task.batch AND result.number = task.number)
  ORDER BY number LIMIT ?`;

const OUTCOMES = `
  SELECT task.number, custom_id, is_success, output_line FROM task
  LEFT JOIN result ON result.batch = task.batch AND result.number = task.number
  WHERE task.batch = ? AND task.number > ? ORDER BY task.number`;

type Row = Record<string, unknown>;

function serialOf(connection: DatabaseSync, batchId: string): number {
  return Number(connection.prepare("SELECT serial FROM batch WHERE id = ?").get(batchId)?.["serial"] ?? -1);
}

function freePageCount(connection: DatabaseSync): number {
  return Number(connection.prepare("PRAGMA freelist_count").get()?.["freelist_count"]);
}

function taskOf(row: Row): Task {
  return {
    number: Number(row["number"]),
    customId: String(row["custom_id"]),
    queue: Number(row["queue"]),
    startByte: Number(row["start_byte"]),
    byteCount: Number(row["byte_count"]),
  };
}

function outcomeOf(row: Row): Outcome {
  const line = row["output_line"];
  return {
    number: Number(row["number"]),
    customId: String(row["custom_id"]),
    isSuccess: row["is_success"] === 1,
    outputLine: typeof line === "string" ? line : undefined,
  };
}
