import type { DatabaseSync } from "node:sqlite";
import type { Logger } from "../log.ts";

const TROUBLE = { read: "state cannot be read", write: "state cannot be written" } as const;
const RELIEF = { read: "state can be read again", write: "state can be written again" } as const;

/** A database whose trouble with the disk ends no request: it is told once, and the callers go on without. */
export class Database implements Disposable {
  /** Where it is; `undefined` if it is in memory and ends with the process. */
  readonly path: string | undefined;
  readonly #connection: DatabaseSync;
  readonly #logger: Logger;
  readonly #failing = new Set<"read" | "write">();

  /** Takes a connection over. Others want `openDatabase()`. */
  constructor(connection: DatabaseSync, { logger, path }: { logger: Logger; path: string | undefined }) {
    this.#connection = connection;
    this.#logger = logger;
    this.path = path;
  }

  /** What the query returns; `otherwise` if the file cannot be read. */
  read<T>(query: (connection: DatabaseSync) => T, otherwise: T): T {
    return this.#attempt("read", () => query(this.#connection)) ?? otherwise;
  }

  /**
   * Makes a change, whole or not at all.
   *
   * @returns Whether it outlives a restart.
   */
  write(change: (connection: DatabaseSync) => void): boolean {
    return this.#attempt("write", () => this.#transact(change)) === true && this.path !== undefined;
  }

  /** Closes it; no query can follow. */
  [Symbol.dispose](): void {
    if (this.#connection.isOpen) this.#connection.close();
  }

  #transact(change: (connection: DatabaseSync) => void): true {
    this.#connection.exec("BEGIN IMMEDIATE");
    try {
      change(this.#connection);
      this.#connection.exec("COMMIT");
      return true;
    } finally {
      if (this.#connection.isTransaction) this.#connection.exec("ROLLBACK");
    }
  }

  #attempt<T>(what: "read" | "write", use: () => T): T | undefined {
    const isFirst = !this.#failing.has(what);
    try {
      const result = use();
      if (!isFirst) this.#logger.info(RELIEF[what], { path: this.path });
      this.#failing.delete(what);
      return result;
    } catch (error) {
      if (!isSqliteError(error)) throw error;
      if (isFirst) this.#logger.warn(TROUBLE[what], { path: this.path, reason: error });
      this.#failing.add(what);
      return undefined;
    }
  }
}

/** Whether SQLite threw it: the disk, or another process, is in the way. */
export function isSqliteError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && error.code === "ERR_SQLITE_ERROR";
}
