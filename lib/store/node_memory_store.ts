import * as z from "zod";
import { type Clock, systemClock } from "../clock.ts";
import { jsonIn } from "../json_text.ts";
import type { Logger } from "../log.ts";
import type { NodeModel } from "../nodes/node.ts";
import { toWanted } from "../ollama/model_source.ts";
import type { Database } from "./database.ts";

/** Models that are kept of one node. */
const MAX_MODELS = 10_000;
const DAY_MS = 24 * 60 * 60_000;
/** A node that was not seen for longer is forgotten, ms. */
const KEPT_MS = 30 * DAY_MS;
/** Between two writes for one node, ms: some that pass for an Ollama date their models anew in each answer. */
const MIN_PAUSE_MS = 60_000;

/**
 * What each Ollama node held when it was seen last, over restarts; one row a URL. So a node that sleeps when the gateway
 * starts is known to hold what it does. Nodes that were not seen for 30 days are forgotten. Synchronous: a change waits
 * for one flush of the disk, some ms, and what has not changed is not written.
 */
export class NodeMemoryStore {
  readonly #database: Database;
  readonly #logger: Logger;
  readonly #clock: Clock;
  /** What was kept of late, by URL. */
  readonly #kept = new Map<string, KeptList>();

  /** Stays the caller's: the database. The clock says when a node was seen. */
  constructor(database: Database, { logger, clock = systemClock }: { logger: Logger; clock?: Clock }) {
    this.#database = database;
    this.#logger = logger;
    this.#clock = clock;
  }

  /**
   * What a node held.
   *
   * @returns `undefined` if nobody knows. A row that cannot be read counts for nothing, with a warning.
   */
  recall(url: string): readonly NodeModel[] | undefined {
    return this.#database.read((connection) => {
      const found = connection.prepare("SELECT models FROM node_memory WHERE url = ? AND seen_at_ms > ?")
        .get(url, this.#clock.now() - KEPT_MS);
      if (!found) return undefined;
      const result = row.safeParse(found);
      if (result.success) return result.data.models;
      const reason = result.error.issues[0]?.message; // without the row, which may have megabytes
      this.#logger.warn("row of the state skipped", { table: "node_memory", url, reason });
      return undefined;
    }, undefined);
  }

  /**
   * Takes what a node has just told that it holds. To be called at each answer: what is kept already costs nothing, and a
   * node that tells something else all the time is written once a minute.
   *
   * @param models By canonical key; the same object as long as it is the same. Of more than 10,000 the rest is left out.
   */
  keep(url: string, models: ReadonlyMap<string, NodeModel>): void {
    const nowMs = this.#clock.monotonic();
    const kept = this.#kept.get(url);
    if (kept && nowMs - kept.atMs < (kept.models === models ? DAY_MS : MIN_PAUSE_MS)) return;
    this.#forgetOld(nowMs);
    this.#kept.set(url, { models, atMs: nowMs });
    const text = JSON.stringify([...models.values()].slice(0, MAX_MODELS).map(storedOf));
    if (!this.#isKept(url, text)) this.#write(url, text);
  }

  /** What was kept a day ago is to be written again if the node is still there: it saves nothing any more. */
  #forgetOld(nowMs: number): void {
    for (const [url, { atMs }] of this.#kept) if (nowMs - atMs >= DAY_MS) this.#kept.delete(url);
  }

  /** Whether that is on the disk already, and dated of late. */
  #isKept(url: string, text: string): boolean {
    return this.#database.read((connection) => {
      const sql = "SELECT 1 FROM node_memory WHERE url = ? AND models = ? AND abs(seen_at_ms - ?) < ?";
      return connection.prepare(sql).get(url, text, this.#clock.now(), DAY_MS) !== undefined;
    }, false);
  }

  #write(url: string, text: string): void {
    const nowMs = this.#clock.now();
    this.#database.write((connection) => {
      connection.prepare(PUT).run(url, text, nowMs);
      connection.prepare("DELETE FROM node_memory WHERE seen_at_ms <= ?").run(nowMs - KEPT_MS);
    });
  }
}

/** What was kept last, and when, on the monotonic clock. */
interface KeptList {
  readonly models: ReadonlyMap<string, NodeModel>;
  readonly atMs: number;
}

const PUT = `
  INSERT INTO node_memory (url, models, seen_at_ms) VALUES (?, ?, ?)
  ON CONFLICT (url) DO UPDATE SET models = excluded.models, seen_at_ms = excluded.seen_at_ms`;

/** Without its key, which the name tells: another sollol may make it in another way. */
function storedOf({ key: _key, ...model }: NodeModel): Omit<NodeModel, "key"> {
  return model;
}

const model = z.object({
  name: z.string().min(1).max(1_000),
  digest: z.string().regex(/^[0-9a-f]{0,64}$/),
  sizeBytes: z.int().min(0),
  quantization: z.string().optional(),
  parameterSize: z.string().optional(),
  family: z.string().optional(),
  modifiedAtMs: z.number().min(0),
}).transform(({ name, quantization, parameterSize, family, ...model }): NodeModel => ({
  ...model,
  key: toWanted(name).key,
  name,
  quantization,
  parameterSize,
  family,
}));

const row = z.object({ models: z.string().transform(jsonIn).pipe(z.array(model).max(MAX_MODELS)) });
