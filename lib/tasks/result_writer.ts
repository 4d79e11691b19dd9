import type { Clock } from "../clock.ts";
import { Alarm } from "../registry/alarm.ts";
import type { TaskResult, TaskStore } from "./task_store.ts";

/** How long a result waits for others, ms: each commit takes a while, however many results are in it. */
const GATHER_MS = 50;
const MAX_COUNT = 200;
const MAX_LENGTH = 8 * 1024 ** 2;
/** How long after a commit that failed the next one is tried, ms. */
const RETRY_MS = 1_000;

/** What {@linkcode ResultWriter} needs. */
export interface ResultWriterOptions {
  /** Where they are written. */
  readonly tasks: Pick<TaskStore, "addResults">;
  /** For pauses. */
  readonly clock: Clock;
  /** Hears of results that outlive a kill from now on. */
  readonly onKept: (results: readonly TaskResult[]) => void;
}

/** Writes results in groups. While the disk refuses them they are kept here, and asked to be no more. */
export class ResultWriter implements Disposable {
  readonly #options: ResultWriterOptions;
  readonly #alarm: Alarm;
  #results: TaskResult[] = [];
  #length = 0;
  #isRefused = false;

  /** With nothing to write. */
  constructor(options: ResultWriterOptions) {
    this.#options = options;
    this.#alarm = new Alarm(options.clock, () => this.flush());
  }

  /** Whether the disk refuses them: nothing new is to be begun that makes more. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** Takes one; it is written soon. */
  add(result: TaskResult): void {
    this.#results.push(result);
    this.#length += result.outputLine.length;
    const isFull = this.#results.length >= MAX_COUNT || this.#length >= MAX_LENGTH;
    if (isFull && !this.#isRefused) this.flush();
    else this.#alarm.ringBy(this.#options.clock.monotonic() + GATHER_MS);
  }

  /** Writes all that are there, now. @returns Whether none is left. */
  flush(): boolean {
    const results = this.#results;
    if (results.length === 0) return true;
    this.#isRefused = !this.#options.tasks.addResults(results);
    if (this.#isRefused) {
      this.#alarm.ringBy(this.#options.clock.monotonic() + RETRY_MS);
      return false;
    }
    this.#results = [];
    this.#length = 0;
    this.#options.onKept(results);
    return true;
  }

  /** Writes what is left, if it can. */
  [Symbol.dispose](): void {
    this.flush();
    this.#alarm[Symbol.dispose]();
  }
}
