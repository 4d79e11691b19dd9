import type { Clock } from "../clock.ts";

/** Measures for how long a model's coordinator was being loaded: all loads together, and the last one. */
export class Stopwatch {
  #totalMs = 0;
  #sinceMs: number | undefined;
  #processSinceMs = 0;
  #lastMs: number | undefined;

  /** It has not been loaded yet. */
  constructor(private readonly clock: Clock) {}

  /** All loads together until now, preparations included, ms: who waits reads off how long it waited for them. */
  get totalMs(): number {
    const runningMs = this.#sinceMs === undefined ? 0 : this.clock.monotonic() - this.#sinceMs;
    return this.#totalMs + runningMs;
  }

  /** Whether it is being prepared or loaded now: it is not others then who keep anybody waiting. */
  get isRunning(): boolean {
    return this.#sinceMs !== undefined;
  }

  /** From the start of the process to its first answer, the last time, ms. */
  get lastMs(): number | undefined {
    return this.#lastMs;
  }

  /** It is prepared or loaded from now on, or is not. */
  run(isRunning: boolean): void {
    if (isRunning === this.isRunning) return;
    this.#totalMs = this.totalMs;
    this.#sinceMs = isRunning ? this.clock.monotonic() : undefined;
  }

  /** Its process is started. */
  begin(): void {
    this.#processSinceMs = this.clock.monotonic();
  }

  /** Its process is ready. @returns How long that took, ms. */
  end(): number {
    return this.#lastMs = Math.round(this.clock.monotonic() - this.#processSinceMs);
  }
}
