import type { Clock } from "../clock.ts";

/** A longer pause would overflow the host's timers, which then ring at once: rather ring for nothing, ms. */
const LONGEST_MS = 24 * 3600 * 1000;

/** One timer for many: rings at the earliest of the times that it was asked for since it rang last. */
export class Alarm implements Disposable {
  readonly #clock: Clock;
  readonly #ring: (lateMs: number) => void;
  #dueMs = Infinity;
  #armed = new AbortController();
  #isDisposed = false;

  /**
   * Rings only once it was asked.
   *
   * @param ring Gets how much later than asked for it is, ms: much, if this process or its host stood still.
   */
  constructor(clock: Clock, ring: (lateMs: number) => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings at `atMs` of the monotonic clock, unless it does so earlier: whoever is rung asks anew. */
  ringBy(atMs: number): void {
    if (atMs >= this.#dueMs || this.#isDisposed) return;
    this.#armed.abort();
    this.#armed = new AbortController();
    this.#dueMs = atMs;
    const pauseMs = Math.min(LONGEST_MS, Math.max(0, atMs - this.#clock.monotonic()));
    void this.#clock.sleep(pauseMs, { signal: this.#armed.signal }).then(() => this.#wake(atMs), () => {});
  }

  /** Never rings again. */
  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#armed.abort();
  }

  #wake(dueMs: number): void {
    if (dueMs !== this.#dueMs || this.#isDisposed) return;
    this.#dueMs = Infinity;
    this.#ring(Math.max(0, this.#clock.monotonic() - dueMs));
  }
}
