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
  // Most sleeps of the request path are aborted, which costs half with the plain timer.
  sleep: (ms, { signal } = {}) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal!.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, ms);
      signal?.addEventListener("abort", onAbort, { once: true });
    }),
};
