import * as z from "zod";
import type { Logger } from "../log.ts";
import type { BackendLimits, BackendSource } from "../rpc/backend.ts";
import { formatEndpoint, parseEndpoint } from "../rpc/endpoint.ts";
import type { Database } from "./database.ts";
import { selectRows } from "./select_rows.ts";

/** An rpc backend that is to be known after a restart, too. */
export interface StoredBackend {
  /** `host:port`, as `formatEndpoint()` writes it; there is one row of each. */
  readonly endpoint: string;
  /** Who told of it. */
  readonly source: BackendSource;
  /** What the operator allows. */
  readonly limits: BackendLimits;
  /** When it was first registered, ms since 1970. */
  readonly addedAtMs: number;
}

/**
 * The rpc backends that were registered while the gateway ran. Synchronous: a change waits for one flush of the disk,
 * some ms, which is rare since people make it.
 */
export class BackendStore {
  readonly #database: Database;
  readonly #logger: Logger;

  /** Stays the caller's: the database. */
  constructor(database: Database, { logger }: { logger: Logger }) {
    this.#database = database;
    this.#logger = logger;
  }

  /** All of them, by endpoint. A row that cannot be read is skipped, with a warning each time. */
  list(): StoredBackend[] {
    const query = { sql: "SELECT * FROM backend ORDER BY endpoint", shape: row };
    return this.#database.read((connection) => selectRows(connection, query, this.#logger), []);
  }

  /**
   * Adds a backend, or replaces the one with this endpoint; that keeps its `addedAtMs`.
   *
   * @returns Whether it outlives a restart; false while the disk cannot be written.
   */
  put({ endpoint, source, limits, addedAtMs }: StoredBackend): boolean {
    const { memoryLimitBytes = null, isExcluded, bytesPerSecond = null } = limits;
    return this.#database.write((connection) => {
      connection.prepare(PUT).run(
        endpoint,
        source,
        memoryLimitBytes,
        Number(isExcluded),
        bytesPerSecond,
        addedAtMs,
      );
    });
  }

  /**
   * Forgets a backend; one that is not there, too.
   *
   * @returns Whether it stays forgotten after a restart.
   */
  remove(endpoint: string): boolean {
    return this.#database.write((connection) => {
      connection.prepare("DELETE FROM backend WHERE endpoint = ?").run(endpoint);
    });
  }
}

const PUT = `
  INSERT INTO backend (endpoint, source, memory_limit_bytes, is_excluded, bytes_per_second, added_at_ms)
  VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (endpoint) DO UPDATE SET
    source = excluded.source,
    memory_limit_bytes = excluded.memory_limit_bytes,
    is_excluded = excluded.is_excluded,
    bytes_per_second = excluded.bytes_per_second`;

const wholeNumber = z.bigint().transform(Number).pipe(z.int().min(0));

const row = z.object({
  endpoint: z.string().refine(isEndpoint, { error: "must be host:port, in lower case" }),
  source: z.enum(["config", "admin", "worker", "redis"]),
  memory_limit_bytes: wholeNumber.nullable(),
  is_excluded: z.union([z.literal(0n), z.literal(1n)], { error: "must be 0 or 1" }),
  bytes_per_second: z.number().positive().nullable(),
  added_at_ms: wholeNumber,
}).transform((said): StoredBackend => ({
  endpoint: said.endpoint,
  source: said.source,
  limits: {
    memoryLimitBytes: said.memory_limit_bytes ?? undefined,
    isExcluded: said.is_excluded === 1n,
    bytesPerSecond: said.bytes_per_second ?? undefined,
  },
  addedAtMs: said.added_at_ms,
}));

function isEndpoint(text: string): boolean {
  try {
    return formatEndpoint(parseEndpoint(text)) === text;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
