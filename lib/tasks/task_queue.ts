import type { TaskAnswer } from "./batch.ts";
import { judgeAnswer, pauseMs } from "./answer_verdict.ts";

/** The most tasks that wait to be asked again; no new ones are begun then. */
const MAX_AGAIN_COUNT = 1_000;

/** A task that is handed out. */
export interface Attempt<T> {
  /** What is to be done. */
  readonly task: T;
  /** How often it has failed before. */
  readonly failureCount: number;
}

/** Where the tasks of a queue come from. */
export interface TaskSupply<T> {
  /** The next task that was never handed out; `undefined` if there is none now. */
  take(): T | undefined;
  /** Whether there is none for good. */
  readonly isEmpty: boolean;
}

/** What {@linkcode TaskQueue} needs. */
export interface TaskQueueOptions<T> {
  /** Its tasks. */
  readonly supply: TaskSupply<T>;
  /** How often a task that failed is asked again. */
  readonly retryCount: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
}

interface Waiting<T> extends Attempt<T> {
  readonly dueAtMs: number;
}

interface Pause {
  readonly untilMs: number;
  readonly count: number;
}

/**
 * Tasks that the same upstreams can take: handed out one by one, again after a failure that may pass. While nobody can
 * take them, the whole queue waits, and then tries one before all others. Times are monotonic ms.
 */
export class TaskQueue<T> {
  readonly #options: TaskQueueOptions<T>;
  #again: Waiting<T>[] = [];
  #pause: Pause | undefined;
  /** The one that is tried before the others. */
  #trial: Attempt<T> | undefined;
  #underWayCount = 0;

  /** Nothing is under way. */
  constructor(options: TaskQueueOptions<T>) {
    this.#options = options;
  }

  /** Whether all its tasks have their result. */
  get isDone(): boolean {
    return this.#options.supply.isEmpty && this.#again.length === 0 && this.#underWayCount === 0;
  }

  /** How many are handed out. */
  get underWayCount(): number {
    return this.#underWayCount;
  }

  /** When the next one that waits for a time may be taken; `Infinity` if none waits. */
  get dueAtMs(): number {
    const dueAtMs = Math.min(...this.#again.map((waiting) => waiting.dueAtMs));
    if (!this.#pause) return dueAtMs;
    return this.#options.supply.isEmpty ? Math.max(this.#pause.untilMs, dueAtMs) : this.#pause.untilMs;
  }

  /** Hands one out that may be asked now; each is to be given to {@linkcode settle}, {@linkcode postpone} or {@linkcode giveBack}. */
  take(nowMs: number): Attempt<T> | undefined {
    if (this.#pause && (this.#trial || nowMs < this.#pause.untilMs)) return undefined;
    const attempt = this.#takeAgain(nowMs) ?? this.#takeNext();
    if (!attempt) return undefined;
    this.#underWayCount++;
    if (this.#pause) this.#trial = attempt;
    return attempt;
  }

  /** Takes an answer. @returns Whether it is the result; else the task waits to be asked again. */
  settle(attempt: Attempt<T>, answer: TaskAnswer, nowMs: number): boolean {
    const { retryAfterSeconds } = answer;
    const verdict = judgeAnswer(answer);
    if (verdict === "not tried") {
      this.postpone(attempt, nowMs, retryAfterSeconds);
      return false;
    }
    this.#end(attempt);
    this.#pause = undefined;
    if (verdict === "result" || attempt.failureCount >= this.#options.retryCount()) return true;
    const failureCount = attempt.failureCount + 1;
    const dueAtMs = nowMs + pauseMs(retryAfterSeconds, failureCount, this.#options.random());
    this.#again.push({ task: attempt.task, failureCount, dueAtMs });
    return false;
  }

  /**
   * Takes one back that could not be asked; the whole queue waits. Of several at the same moment one makes the pause
   * longer, or 8 at a time would count as 8 pauses.
   *
   * @param retryAfterSeconds For how long; `undefined`: longer each time.
   */
  postpone(attempt: Attempt<T>, nowMs: number, retryAfterSeconds: number | undefined): void {
    const isNews = !this.#pause || this.#trial === attempt;
    this.giveBack(attempt);
    if (!isNews) return;
    const count = (this.#pause?.count ?? 0) + 1;
    this.#pause = { count, untilMs: nowMs + pauseMs(retryAfterSeconds, count, this.#options.random()) };
  }

  /** Takes one back; it is as if it had not been handed out. */
  giveBack(attempt: Attempt<T>): void {
    this.#end(attempt);
    this.#again.push({ ...attempt, dueAtMs: 0 });
  }

  #end(attempt: Attempt<T>): void {
    this.#underWayCount--;
    if (this.#trial === attempt) this.#trial = undefined;
  }

  #takeAgain(nowMs: number): Attempt<T> | undefined {
    const index = this.#again.findIndex(({ dueAtMs }) => dueAtMs <= nowMs);
    return index < 0 ? undefined : this.#again.splice(index, 1)[0];
  }

  #takeNext(): Attempt<T> | undefined {
    if (this.#again.length >= MAX_AGAIN_COUNT) return undefined;
    const task = this.#options.supply.take();
    return task === undefined ? undefined : { task, failureCount: 0 };
  }
}
