import type { Clock } from "./clock.ts";

/** What a {@linkcode Deadline} aborts with, and when else. */
export interface DeadlineOptions {
  /** Makes the reason of {@linkcode Deadline.signal} when the time is over. Default: a `TimeoutError`. */
  reason?: () => Error;
  /** Aborts {@linkcode Deadline.signal} too, with its own reason. */
  signal?: AbortSignal | undefined;
}

/** A signal that aborts after a time, by the injected clock. Dispose it to let go of the timer. */
export class Deadline implements Disposable {
  /** Aborts when the time is over, or with the caller's signal. */
  readonly signal: AbortSignal;
  readonly #expired = new AbortController();
  readonly #cancel = new AbortController();

  /** The time runs from here on. */
  constructor(clock: Clock, ms: number, { reason = timedOut, signal }: DeadlineOptions = {}) {
    this.signal = signal ? AbortSignal.any([signal, this.#expired.signal]) : this.#expired.signal;
    const expire = () => this.#expired.abort(reason());
    void clock.sleep(ms, { signal: this.#cancel.signal }).then(expire, () => {});
  }

  /** Whether the time is over; the caller's signal does not count. */
  get hasPassed(): boolean {
    return this.#expired.signal.aborted;
  }

  /** From here on the time is never over. */
  [Symbol.dispose](): void {
    this.#cancel.abort(CANCELLED);
  }
}

/** Nobody reads it. No error: the stack of one that is made while a bundle loads takes a third of the start (Deno 2.9.6). */
const CANCELLED = "The deadline is not needed any more";

function timedOut(): DOMException {
  return new DOMException("The time is over", "TimeoutError");
}
