import type { Clock } from "../clock.ts";
import { GatewayError } from "../errors.ts";
import type { Batch } from "./batch.ts";
import type { FileFolder, FileWriter } from "./file_folder.ts";
import { unansweredLine } from "./output_line.ts";
import type { Outcome, TaskStore } from "./task_store.ts";
import { TimeSlice } from "./time_slice.ts";

/** How much is read and written at a time. */
const PAGE_BYTES = 64 * 1024;
const EXPIRED = {
  code: "batch_expired",
  message: "This request could not be executed before the completion window expired.",
};
const encoder = new TextEncoder();

/** What {@linkcode writeResults} reads and writes. */
export interface WriteResultsOptions {
  /** Takes the files. */
  readonly folder: FileFolder;
  /** Where the results are. */
  readonly tasks: TaskStore;
  /** For pauses in between. */
  readonly clock: Clock;
  /** Whether the tasks that nobody answered are told among the errors. */
  readonly tellsUnanswered: boolean;
  /** A name that no other thing has, of letters and digits. */
  readonly randomId: () => string;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** A file of results. */
export interface ResultFile {
  /** `file-…`. */
  readonly id: string;
  /** How long it is. */
  readonly sizeBytes: number;
}

/** The files of a batch's results, each if there are any. */
export interface ResultFiles {
  /** The answers. */
  readonly output: ResultFile | undefined;
  /** All else. */
  readonly errors: ResultFile | undefined;
  /** How many tasks nobody answered. */
  readonly unansweredCount: number;
}

/**
 * Puts the results of a batch together in the order of its input. All files are there by their names then, or none is
 * but for a failure of the disk right at the end.
 *
 * @throws {GatewayError} `upstream_failed` if results cannot be read or files not be written. The signal's reason.
 */
export async function writeResults(batch: Batch, options: WriteResultsOptions): Promise<ResultFiles> {
  await using output = new ResultFileWriter(options);
  await using errors = new ResultFileWriter(options);
  const slice = new TimeSlice(options.clock);
  let unansweredCount = 0;
  for (const page of pagesOf(batch, options)) {
    options.signal.throwIfAborted();
    if (slice.isOver) await slice.next();
    unansweredCount += page.filter(({ outputLine }) => outputLine === undefined).length;
    await output.write(page.filter(({ isSuccess }) => isSuccess).map(({ outputLine }) => outputLine!));
    await errors.write(
      page.filter(({ isSuccess }) => !isSuccess).flatMap((outcome) => errorLines(outcome, options)),
    );
  }
  return { output: await output.keep(), errors: await errors.keep(), unansweredCount };
}

function* pagesOf(batch: Batch, { tasks }: WriteResultsOptions): Generator<Outcome[], void> {
  for (let after = 0;;) {
    const page = tasks.outcomes(batch.id, { after, maxBytes: PAGE_BYTES });
    if (page === undefined) throw new GatewayError("upstream_failed", "Cannot read the results of a batch");
    if (page.length === 0) return;
    yield page;
    after = page.at(-1)!.number;
  }
}

function errorLines(
  { outputLine, customId }: Outcome,
  { tellsUnanswered, randomId }: WriteResultsOptions,
): string[] {
  if (outputLine !== undefined) return [outputLine];
  return tellsUnanswered ? [unansweredLine({ requestId: `batch_req_${randomId()}`, customId }, EXPIRED)] : [];
}

/** Begins its file with the first line. */
class ResultFileWriter implements AsyncDisposable {
  readonly #folder: FileFolder;
  readonly #id: string;
  #writer: FileWriter | undefined;

  constructor({ folder, randomId }: WriteResultsOptions) {
    this.#folder = folder;
    this.#id = `file-${randomId()}`;
  }

  async write(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    this.#writer ??= await this.#folder.begin(this.#id);
    await this.#writer.write(encoder.encode(lines.map((line) => `${line}\n`).join("")));
  }

  async keep(): Promise<ResultFile | undefined> {
    await this.#writer?.keep();
    return this.#writer && { id: this.#id, sizeBytes: this.#writer.sizeBytes };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer?.[Symbol.asyncDispose]();
  }
}
