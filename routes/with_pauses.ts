import type { Clock } from "../lib/clock.ts";
import { Deadline } from "../lib/deadline.ts";

/** Stands for a time in which nothing came. */
export const PAUSE: unique symbol = Symbol("pause");

/**
 * Passes values on as they come, and a {@linkcode PAUSE} each time that none came for `ms`. Ends when the values do, or
 * at once when the signal aborts, also if the values do not heed it. Leaves nothing behind in what waits for long.
 */
export async function* withPauses<T>(
  values: AsyncIterable<T>,
  ms: number,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): AsyncGenerator<T | typeof PAUSE, void> {
  const iterator = values[Symbol.asyncIterator]();
  try {
    while (!signal.aborted) {
      const arrival = new Arrival(iterator.next());
      while (!await arrival.comesWithin(ms, { clock, signal })) {
        if (signal.aborted) return;
        yield PAUSE;
      }
      const { done, value } = arrival.take();
      if (done) return;
      yield value;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    void Promise.resolve(iterator.return?.()).catch(() => {}); // it has been left: how it ends is no news
  }
}

/** What is waited for again and again; a race would add to the promise's reactions each time. */
class Arrival<T> {
  #settled: PromiseSettledResult<T> | undefined;
  #wake = () => {};

  constructor(promise: Promise<T>) {
    void Promise.allSettled([promise]).then(([settled]) => {
      this.#settled = settled;
      this.#wake();
    });
  }

  /** Whether it has come; waits until then, until `ms` are over, or until the signal aborts. */
  async comesWithin(ms: number, { clock, signal }: { clock: Clock; signal: AbortSignal }): Promise<boolean> {
    if (this.#settled || signal.aborted) return this.#settled !== undefined;
    const { promise: woken, resolve: wake } = Promise.withResolvers<void>();
    this.#wake = wake;
    using time = new Deadline(clock, ms);
    time.signal.addEventListener("abort", () => wake(), { once: true });
    const onAbort = () => wake();
    signal.addEventListener("abort", onAbort);
    await woken;
    signal.removeEventListener("abort", onAbort);
    return this.#settled !== undefined;
  }

  /** What has come; throws what it failed with. */
  take(): T {
    if (this.#settled?.status === "fulfilled") return this.#settled.value;
    throw this.#settled?.reason;
  }
}
