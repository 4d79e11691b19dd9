import type { DatabaseSync } from "node:sqlite";
import type { Database } from "../store/database.ts";

/**
 * Makes a change that outlives the process at once, but a power failure only if a usual {@linkcode Database.write}
 * follows: no flush holds up whatever else the process does. For what can be done again, such as results of tasks.
 *
 * @returns Whether it was made, in a file.
 */
export function writeLazily(database: Database, change: (connection: DatabaseSync) => void): boolean {
  setFlush(database, "NORMAL");
  try {
    return database.write(change);
  } finally {
    setFlush(database, "FULL");
  }
}

/** @see https://www.sqlite.org/pragma.html#pragma_synchronous, of WAL mode */
function setFlush(database: Database, when: "NORMAL" | "FULL"): void {
  database.read((connection) => connection.exec(`PRAGMA synchronous = ${when}`), undefined);
}
