import type { DatabaseSync } from "node:sqlite";
import { type Clock, systemClock } from "../clock.ts";
import type { Logger } from "../log.ts";
import type { Database } from "./database.ts";
import { correctionFactor, medianBytesPerSecond } from "./load_lessons.ts";
import { type DeviceBytes, type LoadRecord, readLoads, type StoredLoad } from "./load_rows.ts";

/** The most loads that are kept; the oldest goes first. */
const MAX_LOADS = 1_000;
/** How many loads a lesson is drawn from: enough to be robust, few enough to follow a change of the hardware. */
const LESSON_LOADS = 8;

/**
 * What loads were estimated to take, and what they took: shown to people, and used for the estimates of the next ones.
 * Synchronous: the first answer takes half a millisecond, and from then on it is remembered until the next load.
 */
export class LoadStore {
  readonly #database: Database;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #answers = new Map<string, number | undefined>();

  /** Stays the caller's: the database. The clock dates the loads. */
  constructor(database: Database, { logger, clock = systemClock }: { logger: Logger; clock?: Clock }) {
    this.#database = database;
    this.#logger = logger;
    this.#clock = clock;
  }

  /**
   * Records a load that succeeded. Of more than 1,000 the oldest is forgotten.
   *
   * @param load Its estimates must be the planner's own, before {@linkcode computeCorrection} was applied: else the
   *   next correction would be drawn from a corrected estimate, and each load would undo what the last one taught.
   * @returns Whether it outlives a restart; false while the disk cannot be written.
   */
  recordLoad(load: LoadRecord): boolean {
    this.#answers.clear();
    return this.#database.write((connection) => {
      insert(connection, load, this.#clock.now());
      connection.prepare("DELETE FROM load WHERE id <= (SELECT max(id) FROM load) - ?").run(MAX_LOADS);
    });
  }

  /** The latest loads, newest first. */
  recent(limit: number): StoredLoad[] {
    return this.#select("SELECT id FROM load ORDER BY id DESC LIMIT ?", limit);
  }

  /**
   * By what the estimate of a compute buffer is to be multiplied for models of this architecture: the largest ratio of
   * actual to estimated bytes of the last 8 loads, within 0.5 and 4; 1 if nothing is known. Loads with this build of
   * llama.cpp count; if there are none, those with any build do.
   *
   * @param build As it was recorded, such as `b11669`; `undefined` for loads of which it is not known.
   */
  computeCorrection(architecture: string, build: string | undefined): number {
    return this.#remember(`compute ${architecture} ${build}`, () => {
      const select = "SELECT id FROM load WHERE architecture = ?";
      const newest = "ORDER BY id DESC LIMIT ?";
      const ofBuild = `${select} AND build IS ? ${newest}`;
      const same = this.#select(ofBuild, architecture, build ?? null, LESSON_LOADS);
      const loads = same.length > 0 ? same : this.#select(`${select} ${newest}`, architecture, LESSON_LOADS);
      return correctionFactor(loads);
    });
  }

  /**
   * How fast weights reach this rpc backend, bytes per second: the median of the last 8 loads in which it took some, each the weights of
   * all backends divided by the time of the whole load. llama.cpp loads one backend after another and tells no times
   * of theirs, so backends that are always used together share one number; the sum over them is right. `undefined` if
   * nothing is known; loads below 256 MiB count for nothing, since their time is that of starting.
   *
   * @param endpoint `host:port`.
   */
  bytesPerSecond(endpoint: string): number | undefined {
    const ids = "SELECT DISTINCT load_id FROM load_device WHERE endpoint = ? ORDER BY load_id DESC LIMIT ?";
    return this.#remember(`speed ${endpoint}`, () => {
      return medianBytesPerSecond(this.#select(ids, endpoint, LESSON_LOADS));
    });
  }

  /** A plan asks for each of its backends; only another load changes the answers. */
  #remember<T extends number | undefined>(question: string, answer: () => T): T {
    if (!this.#answers.has(question)) this.#answers.set(question, answer());
    return this.#answers.get(question) as T;
  }

  #select(ids: string, ...parameters: (string | number | null)[]): StoredLoad[] {
    return this.#database.read((connection) => readLoads(connection, ids, parameters, this.#logger), []);
  }
}

function insert(connection: DatabaseSync, load: LoadRecord, nowMs: number): void {
  const { lastInsertRowid } = connection.prepare(
    "INSERT INTO load (recorded_at_ms, model, architecture, build, load_ms) VALUES (?, ?, ?, ?, ?)",
  ).run(nowMs, load.model, load.architecture, load.build ?? null, load.loadMs);
  const insertDevice = connection.prepare("INSERT INTO load_device VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  for (const { endpoint, deviceIndex, estimated, actual } of load.devices) {
    insertDevice.run(lastInsertRowid, endpoint, deviceIndex, ...columnsOf(estimated), ...columnsOf(actual));
  }
}

function columnsOf({ weightBytes, kvBytes, computeBytes }: DeviceBytes): number[] {
  return [weightBytes, kvBytes, computeBytes];
}
