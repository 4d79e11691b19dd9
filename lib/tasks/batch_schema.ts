import type { Content } from "../store/open_database.ts";

/**
 * The file that keeps batches over restarts. A task is a line of a batch's input; it is done once it has a result.
 * Tasks and results go when their batch has ended: its files hold them then.
 */
export const BATCH_CONTENT: Content = {
  migrations: [
    `
    CREATE TABLE file (
      serial INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL,
      purpose TEXT NOT NULL,
      size_bytes INTEGER NOT NULL,
      created_at_ms INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE batch (
      serial INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      endpoint TEXT NOT NULL,
      input_file_id TEXT NOT NULL,
      completion_window TEXT NOT NULL,
      status TEXT NOT NULL,
      mistakes TEXT NOT NULL,
      output_file_id TEXT,
      error_file_id TEXT,
      total_count INTEGER NOT NULL,
      completed_count INTEGER NOT NULL,
      failed_count INTEGER NOT NULL,
      metadata TEXT NOT NULL,
      created_at_ms INTEGER NOT NULL,
      expires_at_ms INTEGER NOT NULL,
      started_at_ms INTEGER,
      finalizing_at_ms INTEGER,
      ended_at_ms INTEGER,
      cancelling_at_ms INTEGER
    ) STRICT;
    CREATE INDEX batch_by_end ON batch (ended_at_ms);
    CREATE TABLE task (
      batch INTEGER NOT NULL,
      number INTEGER NOT NULL,
      custom_id TEXT NOT NULL,
      queue INTEGER NOT NULL,
      start_byte INTEGER NOT NULL,
      byte_count INTEGER NOT NULL,
      PRIMARY KEY (batch, number)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX task_by_custom_id ON task (batch, custom_id);
    CREATE INDEX task_by_queue ON task (batch, queue, number);
    CREATE TABLE result (
      batch INTEGER NOT NULL,
      number INTEGER NOT NULL,
      is_success INTEGER NOT NULL,
      output_line TEXT NOT NULL,
      UNIQUE (batch, number)
    ) STRICT;
    `,
    `
    ALTER TABLE file ADD COLUMN owner TEXT;
    ALTER TABLE batch ADD COLUMN owner TEXT;
    `,
  ],
  tables: ["file", "batch"],
  lost: "batches, and the names of their files",
  remedy: "send the batches again, or stop sollol and put a backup there",
};
