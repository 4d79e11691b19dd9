import * as z from "zod";
import { requireJson } from "../json_text.ts";
import type { Logger } from "../log.ts";
import { parsedBy } from "../parsed_by.ts";
import type { Database } from "./database.ts";
import { selectRows } from "./select_rows.ts";

/** A process that a gateway has started, and what it takes to know it again. */
export interface RunningProcess {
  /** Process id; it leads a process group of its own. */
  readonly pid: number;
  /** When it was started, in the kernel's ticks since the host was. */
  readonly startTicks: number;
  /** The start of the host within which pid and start time count. */
  readonly bootId: string;
  /** The container, or host, within which they count. */
  readonly pidNamespace: string;
  /** Words of its command line, one right after the other. */
  readonly words: readonly string[];
  /** Name of the model that it loads, for people. */
  readonly model: string;
  /** Process id of the gateway that started it. */
  readonly ownerPid: number;
  /** Start time of that gateway. */
  readonly ownerStartTicks: number;
}

/**
 * The processes that gateways have started and that have not ended as far as they know: who is killed leaves them here.
 * Synchronous, and on the disk when a method returns: one flush, some ms.
 */
export class RunningStore {
  readonly #database: Database;
  readonly #logger: Logger;

  /** Stays the caller's: the database. */
  constructor(database: Database, { logger }: { logger: Logger }) {
    this.#database = database;
    this.#logger = logger;
  }

  /** All of them, of all gateways. A row that cannot be read is skipped, with a warning each time. */
  list(): RunningProcess[] {
    const query = { sql: "SELECT * FROM running_process ORDER BY rowid", shape: row };
    return this.#database.read((connection) => selectRows(connection, query, this.#logger), []);
  }

  /** Adds a process, or replaces what was said of it; the 256 latest are kept. @returns Whether it outlives a restart. */
  put(process: RunningProcess): boolean {
    const { words, model, ownerPid, ownerStartTicks } = process;
    return this.#database.write((connection) => {
      connection.prepare("INSERT OR REPLACE INTO running_process VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
        .run(...keyOf(process), JSON.stringify(words), model, ownerPid, ownerStartTicks);
      connection.prepare(FORGET_OLD).run(MAX_PROCESSES);
    });
  }

  /** Forgets a process; one that is not there, too. @returns Whether it stays forgotten after a restart. */
  remove(process: RunningProcess): boolean {
    return this.#database.write((connection) => {
      connection.prepare(REMOVE).run(...keyOf(process));
    });
  }
}

/** A container that is killed leaves records that nobody outside can judge. */
const MAX_PROCESSES = 256;

const FORGET_OLD = `
  DELETE FROM running_process
  WHERE rowid NOT IN (SELECT rowid FROM running_process ORDER BY rowid DESC LIMIT ?)`;

const REMOVE = `
  DELETE FROM running_process WHERE pid = ? AND start_ticks = ? AND boot_id = ? AND pid_namespace = ?`;

function keyOf({ pid, startTicks, bootId, pidNamespace }: RunningProcess) {
  return [pid, startTicks, bootId, pidNamespace] as const;
}

const wholeNumber = z.bigint().transform(Number).pipe(z.int().min(0));
/** A signal to the groups 0 and 1 reaches ourselves, or everybody. */
const pid = wholeNumber.pipe(z.int().min(2));
const word = z.string().min(1);

const row = z.object({
  pid,
  start_ticks: wholeNumber,
  boot_id: word,
  pid_namespace: word,
  words: z.string().transform(parsedBy(requireJson)).pipe(z.array(word).min(1)),
  model: z.string(),
  owner_pid: wholeNumber.pipe(z.int().min(1)),
  owner_start_ticks: wholeNumber,
}).transform((said): RunningProcess => ({
  pid: said.pid,
  startTicks: said.start_ticks,
  bootId: said.boot_id,
  pidNamespace: said.pid_namespace,
  words: said.words,
  model: said.model,
  ownerPid: said.owner_pid,
  ownerStartTicks: said.owner_start_ticks,
}));
