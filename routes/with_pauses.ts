import type { Clock } from "../lib/clock.ts";
import { SlicedWait } from "../lib/sliced_wait.ts";

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
      const next = iterator.next();
      const arrival = new SlicedWait(next, clock);
      while (!await arrival.isOverWithin(ms, { signal })) {
        if (signal.aborted) return;
        yield PAUSE;
      }
      const { done, value } = await next;
      if (done) return;
      yield value;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    void Promise.resolve(iterator.return?.()).catch(() => {}); // it has been left: how it ends is no news
  }
}
