import type { Clock } from "../clock.ts";

/** Adds up the times in which something went on. */
export class Stopwatch {
  #totalMs = 0;
  #sinceMs: number | undefined;

  /** It stands at 0. */
  constructor(private readonly clock: Clock) {}

  /** All the times together until now, ms. */
  get totalMs(): number {
    const runningMs = this.#sinceMs === undefined ? 0 : this.clock.monotonic() - this.#sinceMs;
    return this.#totalMs + runningMs;
  }

  /** Whether it goes on now. */
  get isRunning(): boolean {
    return this.#sinceMs !== undefined;
  }

  /** Lets it go on, or stand. */
  run(isRunning: boolean): void {
    if (isRunning === this.isRunning) return;
    this.#totalMs = this.totalMs;
    this.#sinceMs = isRunning ? this.clock.monotonic() : undefined;
  }
}
