import type { DatabaseSync } from "node:sqlite";
import { GatewayError } from "../errors.ts";

/**
 * The steps from an empty file to the schema of today; a file's `user_version` says how many were taken. What was
 * released stays as it is: a change is a new step at the end.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE backend (
    endpoint TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    memory_limit_bytes INTEGER,
    is_excluded INTEGER NOT NULL,
    bytes_per_second REAL,
    added_at_ms INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE load (
    id INTEGER PRIMARY KEY,
    recorded_at_ms INTEGER NOT NULL,
    model TEXT NOT NULL,
    architecture TEXT NOT NULL,
    build TEXT,
    load_ms REAL NOT NULL
  ) STRICT;
  CREATE INDEX load_by_architecture ON load (architecture, build, id);
  CREATE TABLE load_device (
    load_id INTEGER NOT NULL REFERENCES load (id) ON DELETE CASCADE,
    endpoint TEXT NOT NULL,
    device_index INTEGER NOT NULL,
    estimated_weight_bytes REAL NOT NULL,
    estimated_kv_bytes REAL NOT NULL,
    estimated_compute_bytes REAL NOT NULL,
    actual_weight_bytes REAL NOT NULL,
    actual_kv_bytes REAL NOT NULL,
    actual_compute_bytes REAL NOT NULL,
    PRIMARY KEY (load_id, endpoint, device_index)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX load_device_by_endpoint ON load_device (endpoint, load_id);
  `,
  `
  CREATE TABLE running_process (
    pid INTEGER NOT NULL,
    start_ticks INTEGER NOT NULL,
    boot_id TEXT NOT NULL,
    pid_namespace TEXT NOT NULL,
    words TEXT NOT NULL,
    model TEXT NOT NULL,
    owner_pid INTEGER NOT NULL,
    owner_start_ticks INTEGER NOT NULL,
    PRIMARY KEY (boot_id, pid_namespace, pid, start_ticks)
  ) STRICT;
  `,
  `
  CREATE TABLE node (
    url TEXT PRIMARY KEY,
    name TEXT,
    slot_count INTEGER,
    weight REAL,
    tags TEXT,
    models TEXT,
    memory_bytes INTEGER,
    added_at_ms INTEGER NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE node_memory (
    url TEXT PRIMARY KEY,
    models TEXT NOT NULL,
    seen_at_ms INTEGER NOT NULL
  ) STRICT;
  `,
];

/** The tables of today, each before those that refer to it. */
export const TABLES: readonly string[] = [
  "backend",
  "load",
  "load_device",
  "running_process",
  "node",
  "node_memory",
];

/**
 * Takes the steps that a file still lacks, all of them or none. Safe while other processes do the same.
 *
 * @throws {GatewayError} `conflict` if a newer sollol has taken steps that this one does not know; nothing is changed.
 * @throws What SQLite says if the file cannot be written.
 */
export function migrate(connection: DatabaseSync, migrations: readonly string[] = MIGRATIONS): void {
  connection.exec("BEGIN IMMEDIATE");
  try {
    const version = readVersion(connection);
    if (version > migrations.length) throw tooNew(version, migrations.length);
    for (const step of migrations.slice(version)) connection.exec(step);
    if (version < migrations.length) connection.exec(`PRAGMA user_version = ${migrations.length}`);
    connection.exec("COMMIT");
  } catch (error) {
    if (connection.isTransaction) connection.exec("ROLLBACK");
    throw error;
  }
}

function readVersion(connection: DatabaseSync): number {
  return Number(connection.prepare("PRAGMA user_version").get()?.["user_version"]);
}

function tooNew(version: number, known: number): GatewayError {
  return new GatewayError(
    "conflict",
    `Cannot use the state of a newer sollol: its schema is ${version}, this one knows up to ${known}; ` +
      "upgrade sollol, or name another state_dir",
  );
}
