import * as z from "zod";
import { requireJson } from "../json_text.ts";
import type { Logger } from "../log.ts";
import { type NodeRegistration, parseNodeName } from "../nodes/node_registration.ts";
import { parseNodeUrl } from "../nodes/node_url.ts";
import { parsedBy } from "../parsed_by.ts";
import type { Database } from "./database.ts";
import { selectRows } from "./select_rows.ts";

/** An Ollama node that is to be known after a restart, too. */
export interface StoredNode extends NodeRegistration {
  /** When it was first registered, ms since 1970. */
  readonly addedAtMs: number;
}

/**
 * The Ollama nodes that were registered while the gateway ran; one row a URL. Synchronous: a change waits for one flush
 * of the disk, some ms, which is rare since people make it.
 */
export class NodeStore {
  readonly #database: Database;
  readonly #logger: Logger;

  /** Stays the caller's: the database. */
  constructor(database: Database, { logger }: { logger: Logger }) {
    this.#database = database;
    this.#logger = logger;
  }

  /** All of them, in the order in which they were registered. A row that cannot be read is skipped, with a warning. */
  list(): StoredNode[] {
    const query = { sql: "SELECT * FROM node ORDER BY added_at_ms, url", shape: row };
    return this.#database.read((connection) => selectRows(connection, query, this.#logger), []);
  }

  /**
   * Adds a node, or replaces the one with this URL; that keeps its `addedAtMs`.
   *
   * @returns Whether it outlives a restart; false while the disk cannot be written.
   */
  put({ url, name, slotCount, weight, tags, models, memoryBytes, addedAtMs }: StoredNode): boolean {
    return this.#database.write((connection) => {
      connection.prepare(PUT).run(
        url,
        name ?? null,
        slotCount ?? null,
        weight ?? null,
        tags ? JSON.stringify(tags) : null,
        models ? JSON.stringify(models) : null,
        memoryBytes ?? null,
        addedAtMs,
      );
    });
  }

  /**
   * Forgets a node; one that is not there, too.
   *
   * @returns Whether it stays forgotten after a restart.
   */
  remove(url: string): boolean {
    return this.#database.write((connection) => {
      connection.prepare("DELETE FROM node WHERE url = ?").run(url);
    });
  }
}

const PUT = `
  INSERT INTO node (url, name, slot_count, weight, tags, models, memory_bytes, added_at_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (url) DO UPDATE SET
    name = excluded.name,
    slot_count = excluded.slot_count,
    weight = excluded.weight,
    tags = excluded.tags,
    models = excluded.models,
    memory_bytes = excluded.memory_bytes`;

const wholeNumber = z.bigint().transform(Number).pipe(z.int().min(0));
const slots = z.bigint().transform(Number).pipe(z.int().min(1).max(10_000));
const words = z.string().transform(parsedBy(requireJson)).pipe(z.array(z.string()));

const row = z.object({
  url: z.string().refine(isNodeUrl, { error: "must be a URL, as it is normally written" }),
  name: z.string().transform(parsedBy(parseNodeName)).nullable(),
  slot_count: slots.nullable(),
  weight: z.number().positive().max(1_000).nullable(),
  tags: words.nullable(),
  models: words.nullable(),
  memory_bytes: wholeNumber.nullable(),
  added_at_ms: wholeNumber,
}).transform((said): StoredNode => ({
  url: said.url,
  ...(said.name !== null && { name: said.name }),
  ...(said.slot_count !== null && { slotCount: said.slot_count }),
  ...(said.weight !== null && { weight: said.weight }),
  ...(said.tags !== null && { tags: said.tags }),
  ...(said.models !== null && { models: said.models }),
  ...(said.memory_bytes !== null && { memoryBytes: said.memory_bytes }),
  addedAtMs: said.added_at_ms,
}));

function isNodeUrl(text: string): boolean {
  try {
    return parseNodeUrl(text) === text;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
