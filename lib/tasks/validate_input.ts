import { GatewayError } from "../errors.ts";
import { formatBytes, MIB } from "../units.ts";
import type { Clock } from "../clock.ts";
import type { Batch, BatchMistake } from "./batch.ts";
import type { ByteLine } from "./byte_lines.ts";
import type { FileFolder } from "./file_folder.ts";
import { decodeInputLine, InputLineError } from "./input_line.ts";
import { ModelQueues } from "./model_queues.ts";
import { readLines } from "./read_input.ts";
import type { Task, TaskStore } from "./task_store.ts";
import { TimeSlice } from "./time_slice.ts";

/** The most requests of a batch. */
const MAX_TASK_COUNT = 1_000_000;
/** The longest line. */
const MAX_LINE_BYTES = 32 * MIB;
/** The most mistakes that are told. */
const MAX_MISTAKE_COUNT = 100;
/** Tasks that are written at a time: it holds up whatever else the process does, some ms. */
const GROUP_COUNT = 250;

/**
 * Requires that an owner may have a model asked; the usual one, if none is named.
 *
 * @throws {GatewayError} `forbidden`.
 */
export type RequirePermitted = (model: string | undefined, owner: string | undefined) => void;

/** What {@linkcode validateInput} reads and writes. */
export interface ValidateOptions {
  /** Where the input is. */
  readonly folder: FileFolder;
  /** Takes the tasks. */
  readonly tasks: TaskStore;
  /** Asked for each line. */
  readonly requirePermitted: RequirePermitted;
  /** For pauses in between. */
  readonly clock: Clock;
  /** Asked now and then: whether to go on. */
  readonly isWanted: () => boolean;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** The most requests. Default: a million. */
  readonly maxTaskCount?: number;
}

/** What {@linkcode validateInput} found. */
export interface ValidatedInput {
  /** How many requests there are. */
  readonly totalCount: number;
  /** None, if the batch can be run; of many, the first 100. */
  readonly mistakes: readonly BatchMistake[];
}

/**
 * Looks at all lines of a batch's input, and makes a task of each. It must have no tasks yet.
 *
 * @returns `undefined` if it was no longer wanted.
 * @throws {GatewayError} If the file cannot be read, or the tasks cannot be written. The signal's reason.
 */
export async function validateInput(
  batch: Batch,
  options: ValidateOptions,
): Promise<ValidatedInput | undefined> {
  const { folder, signal, isWanted } = options;
  const validation = new Validation(batch, options);
  const slice = new TimeSlice(options.clock);
  for await (const line of readLines(folder, batch.inputFileId, { maxLineBytes: MAX_LINE_BYTES, signal })) {
    if (validation.look(line) && !isWanted()) return undefined;
    if (validation.isOver) break;
    if (slice.isOver) await slice.next();
  }
  return validation.end();
}

class Validation {
  readonly #batch: Batch;
  readonly #tasks: TaskStore;
  readonly #requirePermitted: RequirePermitted;
  readonly #maxTaskCount: number;
  readonly #mistakes: BatchMistake[] = [];
  readonly #queues = new ModelQueues();
  #group: Task[] = [];
  #totalCount = 0;

  constructor(
    batch: Batch,
    { tasks, requirePermitted, maxTaskCount = MAX_TASK_COUNT }: ValidateOptions,
  ) {
    this.#batch = batch;
    this.#requirePermitted = requirePermitted;
    this.#tasks = tasks;
    this.#maxTaskCount = maxTaskCount;
  }

  /** Whether there is no use in looking at more lines. */
  get isOver(): boolean {
    return this.#mistakes.length >= MAX_MISTAKE_COUNT || this.#totalCount > this.#maxTaskCount;
  }

  /** @returns Whether it was the last one of a group. */
  look(line: ByteLine): boolean {
    const task = this.#taskOf(line);
    if (task === undefined) return false;
    this.#totalCount++;
    this.#group.push(task);
    if (this.#group.length < GROUP_COUNT) return false;
    this.#write();
    return true;
  }

  end(): ValidatedInput {
    this.#write();
    if (this.#totalCount > this.#maxTaskCount) {
      const message = `The file has more than ${this.#maxTaskCount} requests; send it in parts`;
      this.#mistakes.push({ code: "too_many_lines", message, line: undefined });
    }
    if (this.#totalCount === 0 && this.#mistakes.length === 0) {
      this.#mistakes.push({ code: "empty_file", message: "The file has no requests", line: undefined });
    }
    const inOrder = this.#mistakes.toSorted((a, b) => (a.line ?? Infinity) - (b.line ?? Infinity));
    return { totalCount: this.#totalCount, mistakes: inOrder.slice(0, MAX_MISTAKE_COUNT) };
  }

  #taskOf({ number, startByte, byteCount, bytes }: ByteLine): Task | undefined {
    if (bytes === undefined) {
      const message = `The line has ${formatBytes(byteCount)}; at most ${
        formatBytes(MAX_LINE_BYTES)
      } are allowed`;
      this.#mistakes.push({ code: "line_too_long", message, line: number });
      return undefined;
    }
    try {
      const said = decodeInputLine(bytes, this.#batch.endpoint);
      if (!said) return undefined;
      this.#requirePermitted(said.model, this.#batch.owner);
      return {
        number,
        customId: said.customId,
        queue: this.#queues.queueOf(said.model),
        startByte,
        byteCount,
      };
    } catch (error) {
      const isForbidden = error instanceof GatewayError && error.code === "forbidden";
      if (!(error instanceof InputLineError) && !isForbidden) throw error;
      this.#mistakes.push({ code: error.code, message: error.message, line: number });
      return undefined;
    }
  }

  #write(): void {
    const refused = this.#tasks.add(this.#batch.id, this.#group);
    if (refused === undefined) throw new GatewayError("upstream_failed", "Cannot write the tasks of a batch");
    this.#group = [];
    for (const { task, earlier } of refused) {
      const message = `"custom_id" is that of line ${earlier} too; each request needs its own`;
      this.#mistakes.push({ code: "duplicate_custom_id", message, line: task.number });
    }
  }
}
