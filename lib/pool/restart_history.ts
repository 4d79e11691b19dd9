import { backOffMs } from "../back_off.ts";

/** How many failures are too many. */
export interface RestartLimits {
  /** Restarts within {@linkcode restartWindowMs}; 0 for none at all. */
  readonly maxRestarts: number;
  /** After so long a failure is forgotten, ms. */
  readonly restartWindowMs: number;
}

/** What to do after a failure. */
export interface Retry {
  /** When to start it again, ms from now. */
  readonly retryInMs: number;
  /** Which restart within the window this is, from 1. */
  readonly attempt: number;
}

/**
 * When a coordinator that failed is started again: at once after the first failure, after growing pauses when more follow,
 * and not at all when there were too many.
 *
 * One that was given up gets one more try each time that somebody asks for it, see {@linkcode grant}. Times are those
 * of the monotonic clock.
 */
export class RestartHistory {
  /** Of the failures that count, oldest first. */
  #failuresMs: number[] = [];
  /** Whether it is to be left alone until {@linkcode grant}. */
  #isGivenUp = false;
  /** Since when it is on probation. */
  #grantedMs: number | undefined;

  /** Nothing has failed yet. @param random From 0 to 1, for the jitter of the pauses. */
  constructor(private readonly random: () => number) {}

  /** Tells that it died, or could not be started. @returns When to try it again. */
  failed(nowMs: number, { maxRestarts, restartWindowMs }: RestartLimits): Retry | "give up" {
    const isRecent = (atMs: number) => nowMs - atMs < restartWindowMs;
    this.#failuresMs = [...this.#failuresMs.filter(isRecent), nowMs];
    const attempt = this.#failuresMs.length;
    const isOnProbation = this.#grantedMs !== undefined && isRecent(this.#grantedMs);
    if (isOnProbation || attempt > maxRestarts) return this.#giveUp();
    this.#grantedMs = undefined;
    return { attempt, retryInMs: attempt === 1 ? 0 : backOffMs(attempt - 1, this.random()) };
  }

  /**
   * Allows one more try of what was given up, because a request or an operator asks for it. It is on probation then: if
   * it fails within the window, it is given up again at once. Later, it is as good as new.
   *
   * Does nothing to what was not given up.
   */
  grant(nowMs: number): void {
    if (!this.#isGivenUp) return;
    this.#isGivenUp = false;
    this.#grantedMs = nowMs;
  }

  /** Forgets everything: the next failure is the first. */
  reset(): void {
    this.#failuresMs = [];
    this.#isGivenUp = false;
    this.#grantedMs = undefined;
  }

  #giveUp(): "give up" {
    this.reset(); // from here on the probation counts, and nothing piles up while clients ask again and again
    this.#isGivenUp = true;
    return "give up";
  }
}
