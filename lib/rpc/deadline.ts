import type { Clock } from "../clock.ts";

/** A signal that aborts after a time or with the caller, and can tell which of both. Disposal stops its timer. */
export class Deadline implements Disposable {
  /** Whether the time is over. */
  hasPassed = false;
  /** Aborts when the time is over, or with the caller's reason. */
  readonly signal: AbortSignal;
  readonly #timer = new AbortController();

  /** Starts to count. */
  constructor(timeoutMs: number, clock: Clock, caller: AbortSignal | undefined) {
    const passed = new AbortController();
    this.signal = caller ? AbortSignal.any([caller, passed.signal]) : passed.signal;
    void clock.sleep(timeoutMs, { signal: this.#timer.signal }).then(() => {
      this.hasPassed = true;
      passed.abort();
    }, () => {});
  }

  /** The time will never be over. */
  [Symbol.dispose](): void {
    this.#timer.abort();
  }
}
