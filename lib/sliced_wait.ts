import type { Clock } from "./clock.ts";
import { Deadline } from "./deadline.ts";

/**
 * Waits for a promise slice by slice, so that there is time for a word in between. Its outcome is the caller's to read;
 * one that nobody reads is no unhandled rejection.
 */
export class SlicedWait {
  #isOver = false;
  #wake = () => {};

  /** The only reaction on the promise, however many slices follow: a race would add one for each. */
  constructor(work: Promise<unknown>, private readonly clock: Clock) {
    const settle = () => {
      this.#isOver = true;
      this.#wake();
    };
    void work.then(settle, settle);
  }

  /**
   * Whether there is an outcome; waits for it for `ms` at most, and no longer than until the signal aborts. One slice at a
   * time. Never rejects.
   */
  async isOverWithin(ms: number, { signal }: { readonly signal?: AbortSignal } = {}): Promise<boolean> {
    if (this.#isOver || signal?.aborted) return this.#isOver;
    const { promise: woken, resolve: wake } = Promise.withResolvers<void>();
    const onAbort = () => wake(); // a function of its own, so that the signal can let go of it
    this.#wake = wake;
    using slice = new Deadline(this.clock, ms);
    slice.signal.addEventListener("abort", onAbort, { once: true });
    signal?.addEventListener("abort", onAbort, { once: true });
    await woken;
    signal?.removeEventListener("abort", onAbort);
    return this.#isOver;
  }
}
