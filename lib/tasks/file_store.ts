import type { DatabaseSync } from "node:sqlite";
import type { Logger } from "../log.ts";
import type { Database } from "../store/database.ts";
import { selectRows } from "../store/select_rows.ts";
import type { FileQuery, Page, StoredFile } from "./batch.ts";
import { fileRow } from "./batch_rows.ts";
import { ownedCondition, selectPage } from "./select_page.ts";

/** What is known of the files; their content is elsewhere. Synchronous. */
export class FileStore {
  readonly #database: Database;
  readonly #logger: Logger;

  /** Stays the caller's: the database. */
  constructor(database: Database, { logger }: { logger: Logger }) {
    this.#database = database;
    this.#logger = logger;
  }

  /** Adds a file. @returns Whether it outlives a restart. */
  add(file: StoredFile): boolean {
    return this.#database.write((connection) => insertFile(connection, file));
  }

  /** `undefined` if there is none of that name, or it cannot be read. */
  get(id: string): StoredFile | undefined {
    return this.#select("SELECT * FROM file WHERE id = ?", id)[0];
  }

  /** The newest first; after the file `after`, if one is named, and of one purpose and one owner, if these are. */
  page({ limit, after, purpose, of }: FileQuery): Page<StoredFile> {
    const owned = ownedCondition(of);
    const where = `purpose = ifnull(?, purpose) AND ${owned.where}`;
    const parameters = [purpose ?? null, ...owned.parameters];
    const query = { table: "file", where, parameters, shape: fileRow, limit, after };
    const none: Page<StoredFile> = { items: [], hasMore: false };
    return this.#database.read((connection) => selectPage(connection, query, this.#logger), none);
  }

  /** How many there are, and how long they are together; nothing if that cannot be read now. */
  total(): { readonly count: number; readonly bytes: number } {
    const row = this.#database.read(
      (connection) =>
        connection.prepare("SELECT count(*) AS count, total(size_bytes) AS bytes FROM file").get(),
      undefined,
    );
    return { count: Number(row?.["count"] ?? 0), bytes: Number(row?.["bytes"] ?? 0) };
  }

  /** Whether a batch that has not ended reads it; also if that cannot be read now. */
  isRead(id: string): boolean {
    return this.#hasRow("SELECT 1 FROM batch WHERE input_file_id = ? AND ended_at_ms IS NULL", id);
  }

  /** Whether there is one of that name; also if that cannot be read now. */
  isKnown(id: string): boolean {
    return this.#hasRow("SELECT 1 FROM file WHERE id = ?", id);
  }

  /** Forgets a file; one that is not there, too. @returns Whether it stays forgotten after a restart. */
  remove(id: string): boolean {
    return this.#database.write((connection) => {
      connection.prepare("DELETE FROM file WHERE id = ?").run(id);
    });
  }

  /** Those that were made before that moment, and that belong to no batch that is still known. */
  unusedSince(beforeMs: number): StoredFile[] {
    return this.#select(
      `SELECT * FROM file WHERE created_at_ms < ? AND NOT EXISTS
        (SELECT 1 FROM batch WHERE file.id IN (input_file_id, output_file_id, error_file_id))`,
      beforeMs,
    );
  }

  #hasRow(sql: string, id: string): boolean {
    return this.#database.read((connection) => connection.prepare(sql).get(id) !== undefined, true);
  }

  #select(sql: string, ...parameters: (string | number | null)[]): StoredFile[] {
    const query = { sql, parameters, shape: fileRow };
    return this.#database.read((connection) => selectRows(connection, query, this.#logger), []);
  }
}

/** Adds a file to those that are known. @throws What SQLite says. */
export function insertFile(connection: DatabaseSync, file: StoredFile): void {
  connection.prepare(
    "INSERT INTO file (id, name, purpose, size_bytes, created_at_ms, owner) VALUES (?, ?, ?, ?, ?, ?)",
  ).run(file.id, file.name, file.purpose, file.sizeBytes, file.createdAtMs, file.owner ?? null);
}
