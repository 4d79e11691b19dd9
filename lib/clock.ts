import { setTimeout as delay } from "node:timers/promises";

/** The time, and waiting for it; injected so that tests own both. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. Jumps when the host's clock is set. */
  now(): number;
  /** Milliseconds since some fixed moment; never jumps back. Measure durations with it. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with the signal's reason as soon as that aborts. */
  sleep(ms: number, options?: { signal?: AbortSignal }): Promise<void>;
}

/** The host's clocks. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, { signal } = {}) {
    try {
      await delay(ms, undefined, signal ? { signal } : {});
    } catch (error) {
      signal?.throwIfAborted(); // node wraps the reason in an AbortError; callers want the reason itself
      throw error;
    }
  },
};
