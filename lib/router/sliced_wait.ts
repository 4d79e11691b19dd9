import type { Clock } from "../clock.ts";

/** Waits for a promise slice by slice, so that there is time for a word in between. */
export class SlicedWait {
  readonly #settled: Promise<true>;

  /** The promise's own outcome is the caller's to read; here it only counts that there is one. */
  constructor(work: Promise<unknown>, private readonly clock: Clock) {
    this.#settled = work.then(() => true, () => true);
  }

  /** Waits for so long at most, ms; whether there is an outcome then. Never rejects. */
  async isOverWithin(ms: number): Promise<boolean> {
    const stop = new AbortController();
    const pause = this.clock.sleep(ms, { signal: stop.signal }).then(() => false, () => false);
    const isOver = await Promise.race([this.#settled, pause]);
    stop.abort();
    return isOver;
  }
}
