import type { Clock } from "../clock.ts";

/** A signal that aborts after a time, by the injected clock. Dispose it to let go of the timer. */
export class Deadline implements Disposable {
  readonly #expired = new AbortController();
  readonly #cancel = new AbortController();

  /**
   * The time runs from here on.
   *
   * @param ms When it aborts.
   * @param reason Makes the signal's reason.
   */
  constructor(clock: Clock, ms: number, reason: () => Error) {
    const expire = () => this.#expired.abort(reason());
    void clock.sleep(ms, { signal: this.#cancel.signal }).then(expire, () => {});
  }

  /** Aborts when the time is over. */
  get signal(): AbortSignal {
    return this.#expired.signal;
  }

  /** From here on it never aborts. */
  [Symbol.dispose](): void {
    this.#cancel.abort();
  }
}
