import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { type Clock, systemClock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";
import { Database, isSqliteError } from "./database.ts";
import { migrate, MIGRATIONS, TABLES } from "./migrations.ts";
import { setAsideIfDamaged } from "./set_aside.ts";
import { cureFor } from "./state_cure.ts";

/** How long we wait for other processes' writes, ms. The wait blocks the whole program; such a write takes 1 ms. */
const BUSY_TIMEOUT_MS = 2_000;
const IN_MEMORY = ":memory:";

/** What a file is to hold. */
export interface Content {
  /** The steps from an empty file to the schema of today. */
  readonly migrations: readonly string[];
  /** The tables that are read into memory where the file cannot be used, each before those that refer to it. */
  readonly tables: readonly string[];
  /** What is lost with the file, for people. */
  readonly lost: string;
  /** What to do where it was damaged, for people. */
  readonly remedy: string;
}

const STATE: Content = {
  migrations: MIGRATIONS,
  tables: TABLES,
  lost:
    "rpc backends and nodes that were registered by hand, and what was learnt of nodes and of earlier loads",
  remedy: "register them again, or stop sollol and put a backup there",
};

/** How {@linkcode openDatabase} opens. */
export interface DatabaseOptions {
  /** Hears of what was lost, and of trouble with the disk. */
  readonly logger: Logger;
  /** Names files that are set aside. Default: the host's. */
  readonly clock?: Clock;
  /** Default: what the gateway knows of backends, loads and processes. */
  readonly content?: Content;
}

/**
 * Opens the file that outlives a restart, and makes it and its directory if absent; both are for this user alone.
 *
 * Never refuses: what is no database is set aside as `PATH.corrupt-TIME`, and a new one is begun. Where the file
 * cannot be used (a disk that is full or read-only, a file of a newer sollol) it is left as it is, what can be read
 * of it is read, and changes are kept in memory until the end of the process. Each of these is one warning.
 *
 * Several processes may have it open. Every change is on the disk when {@linkcode Database.write} returns, also if the
 * power fails then.
 */
export function openDatabase(path: string, options: DatabaseOptions): Database {
  const { logger, clock = systemClock, content = STATE } = options;
  const { lost } = content;
  try {
    Deno.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    using _lock = lockOpening(path);
    if (isEmptyFile(path)) logger.warn("state was an empty file and is begun anew", { path, lost });
    const aside = setAsideIfDamaged(path, clock.now());
    if (aside) {
      const { path: setAside, why: reason } = aside;
      logger.warn("state damaged and begun anew", { path, setAside, reason, lost, todo: content.remedy });
    }
    return new Database(openFile(path, content), { logger, path });
  } catch (error) {
    if (!isForeseen(error)) throw error;
    const { connection, isCopied } = openCopy(path, content);
    logger.warn("state cannot be kept and is in memory only", {
      path,
      reason: messageOf(error),
      lost: isCopied ? "at the end: all that is new from here on" : lost,
      todo: cureFor(error, path),
    });
    return new Database(connection, { logger, path: undefined });
  }
}

/**
 * What the file holds now, in memory: nothing is written, repaired or set aside, and changes are lost. Empty if the file
 * cannot be read. For commands that only look.
 */
export function openDatabaseCopy(path: string, { logger }: Pick<DatabaseOptions, "logger">): Database {
  return new Database(openCopy(path, STATE).connection, { logger, path: undefined });
}

/** One process opens at a time, some 10 ms: what one has just begun, another must not take for damaged or empty. */
function lockOpening(path: string): Disposable {
  const file = Deno.openSync(`${path}.lock`, { create: true, write: true, mode: 0o600 });
  file.lockSync(true);
  return file;
}

function isEmptyFile(path: string): boolean {
  try {
    const { isFile, size } = Deno.statSync(path);
    return isFile && size === 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** SQLite would make a file that everyone can read; its side files take the mode of the first. */
function makePrivate(path: string): void {
  try {
    Deno.openSync(path, { createNew: true, write: true, mode: 0o600 }).close();
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    const isPrivate = ((Deno.statSync(path).mode ?? 0) & 0o077) === 0;
    if (!isPrivate) Deno.chmodSync(path, 0o600);
  }
}

function openFile(path: string, { migrations }: Content): DatabaseSync {
  makePrivate(path);
  const isNew = isEmptyFile(path);
  const connection = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    if (isNew) connection.exec("PRAGMA auto_vacuum = INCREMENTAL"); // too late once there is a table
    migrate(connection, migrations);
    setModes(connection);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** In WAL mode readers and the writer do not wait for each other, and a commit is one flush; FULL makes that flush. */
function setModes(connection: DatabaseSync): void {
  connection.exec("PRAGMA synchronous = FULL");
  try {
    connection.exec("PRAGMA journal_mode = WAL");
  } catch (error) {
    if (!isSqliteError(error)) throw error; // another process uses the new file already, and sets the mode for both
  }
}

/** A database in memory, with what the file holds if that can be read. */
function openCopy(
  path: string,
  { migrations, tables }: Content,
): { connection: DatabaseSync; isCopied: boolean } {
  const connection = new DatabaseSync(IN_MEMORY);
  migrate(connection, migrations);
  // in a directory that is read-only a file can be read only by who swears that nobody else writes it
  const isCopied = ["mode=ro", "mode=ro&immutable=1"].some((how) =>
    copyInto(connection, { path, tables, how })
  );
  return { connection, isCopied };
}

function copyInto(
  connection: DatabaseSync,
  { path, tables, how }: { path: string; tables: readonly string[]; how: string },
): boolean {
  try {
    connection.prepare("ATTACH ? AS disk").run(`${pathToFileURL(path).href}?${how}`);
    connection.exec("BEGIN");
    for (const table of tablesOnDisk(connection, tables)) {
      connection.exec(`INSERT INTO main.${table} SELECT * FROM disk.${table}`);
    }
    connection.exec("COMMIT");
    return true;
  } catch (error) {
    if (!isSqliteError(error)) throw error;
    return false;
  } finally {
    if (connection.isTransaction) connection.exec("ROLLBACK");
    const isAttached = connection.prepare("PRAGMA database_list").all().length > 1;
    if (isAttached) connection.exec("DETACH disk");
  }
}

/** Those of ours that it has, parents first: an older sollol knew fewer. */
function tablesOnDisk(connection: DatabaseSync, ours: readonly string[]): string[] {
  const rows = connection.prepare("SELECT name FROM disk.sqlite_schema WHERE type = 'table'").all();
  const names = new Set(rows.map(({ name }) => name));
  return ours.filter((table) => names.has(table));
}

/** Errors of the system, of SQLite and of our own have a code; a mistake in the program has none. */
function isForeseen(error: unknown): boolean {
  return error instanceof Error && ("code" in error || error instanceof Deno.errors.NotCapable);
}
