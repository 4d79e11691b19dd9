import type { Clock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import type { Environment } from "../config/environment.ts";
import type { Logger } from "../log.ts";
import { untilAborted } from "../until_aborted.ts";
import { formatDuration } from "../units.ts";

/**
 * Within which time a service manager wants to hear that this process is alive, ms.
 *
 * @returns `undefined` if it does not watch, or watches another process, such as our parent.
 * @see sd_watchdog_enabled(3)
 */
export function watchdogMsOf(env: Environment, pid: number): number | undefined {
  const { WATCHDOG_USEC: usec, WATCHDOG_PID: watched } = env;
  if (watched !== undefined && watched !== String(pid)) return undefined;
  const ms = usec !== undefined && /^\d+$/.test(usec) ? Number(usec) / 1_000 : 0;
  return ms > 0 ? ms : undefined;
}

/** What a {@linkcode Watchdog} works with. */
export interface WatchdogOptions {
  /** Without a beat for so long, we are killed, ms. */
  readonly intervalMs: number;
  /** Whether what it stands for still works; may reject, which means no. Its signal aborts when it took too long. */
  readonly isAlive: (signal: AbortSignal) => Promise<boolean>;
  /** Tells the service manager. Must not reject; may take long, and is not called again meanwhile. */
  readonly beat: () => Promise<void>;
  /** Times beats. */
  readonly clock: Clock;
  /** Hears of a check that failed. */
  readonly logger: Logger;
}

/** A busy host may miss one beat, and half of another: it takes three to be killed. */
const BEATS_PER_INTERVAL = 3;

/**
 * Beats for as long as each check says that we are alive, from creation to disposal. Since the check and the beat need
 * the event loop, one that stands still brings no beat either. One check may take a third of the interval; what hangs
 * is asked anew then, so a host that is only slow has the whole interval for one answer.
 */
export class Watchdog implements AsyncDisposable {
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;

  /** The first check begins at once. */
  constructor(private readonly options: WatchdogOptions) {
    this.#ended = this.#run();
  }

  /** No beat follows. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#ended;
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { intervalMs, beat, clock, logger } = this.options;
    const { signal } = this.#closing;
    const partMs = intervalMs / BEATS_PER_INTERVAL;
    while (!signal.aborted) {
      const startMs = clock.monotonic();
      const isAlive = await this.#check(partMs);
      if (signal.aborted) return;
      if (isAlive) await Promise.race([beat(), untilAborted(signal)]);
      else {
        const killedAfter = formatDuration(intervalMs);
        logger.error("does not answer itself, and will be killed if that lasts", { killedAfter });
      }
      const leftMs = Math.max(startMs + partMs - clock.monotonic(), 0);
      await clock.sleep(leftMs, { signal }).catch(() => {});
    }
  }

  async #check(patienceMs: number): Promise<boolean> {
    const { isAlive, clock } = this.options;
    using deadline = new Deadline(clock, patienceMs, { signal: this.#closing.signal });
    const { signal } = deadline;
    const answer = isAlive(signal).catch(() => false);
    return await Promise.race([answer, untilAborted(signal).then(() => false)]);
  }
}
