import { join } from "node:path";

/** Where the database of a state directory is. */
export function databasePath(stateDir: string): string {
  return join(stateDir, "sollol.db");
}
