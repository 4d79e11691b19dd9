import { DatabaseSync } from "node:sqlite";
import { messageOf } from "../errors.ts";

/** A file that was no database, and where it is now. */
export interface SetAside {
  /** Its new path; nothing of it was deleted. */
  readonly path: string;
  /** What was wrong with it: `it is a directory`. */
  readonly why: string;
}

/** A database in WAL mode is up to three files; a recovery needs all of them under one name. */
const SUFFIXES = ["-wal", "-shm", ""];

/**
 * Renames whatever lies at `path` to `PATH.corrupt-TIME` if it cannot be a database, so that a new one can be begun.
 * No other process may do the same meanwhile, or open the file: its new one could be taken for the damaged one.
 *
 * @param nowMs Wall clock, ms since 1970; for the name.
 * @returns `undefined` if there is nothing, or nothing wrong with it.
 * @throws The system's error if it cannot be renamed.
 */
export function setAsideIfDamaged(path: string, nowMs: number): SetAside | undefined {
  const why = faultOf(path);
  if (why === undefined) return undefined;
  const aside = freePath(`${path}.corrupt-${new Date(nowMs).toISOString().replaceAll(/[:.]/g, "-")}`);
  for (const suffix of SUFFIXES) {
    if (exists(path + suffix)) Deno.renameSync(path + suffix, aside + suffix);
  }
  return { path: aside, why };
}

function faultOf(path: string): string | undefined {
  const info = statOf(path);
  if (!info) return undefined;
  if (!info.isFile) return info.isDirectory ? "it is a directory" : "it is not a file";
  try {
    using connection = new DatabaseSync(path);
    const [first] = connection.prepare("PRAGMA quick_check(1)").all();
    return first?.["quick_check"] === "ok" ? undefined : `it is damaged: ${first?.["quick_check"]}`;
  } catch (error) {
    const message = messageOf(error); // the code of some of SQLite's errors is lost on the way here (Deno 2.9.6)
    return /malformed|not a database/.test(message) ? `it is damaged: ${message}` : undefined;
  }
}

function freePath(wanted: string): string {
  for (let path = wanted, count = 2;; path = `${wanted}-${count++}`) {
    if (!exists(path)) return path;
  }
}

function exists(path: string): boolean {
  return statOf(path, Deno.lstatSync) !== undefined;
}

/** Also `undefined` for a link to nothing: what it leads to may be on a disk that is not there now. */
function statOf(path: string, stat = Deno.statSync): Deno.FileInfo | undefined {
  try {
    return stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
