import { type Clock, systemClock } from "../clock.ts";
import type { Logger } from "../log.ts";
import type { WorkerReport } from "../rpc/worker_report.ts";
import type { BeatOutcome } from "./gateway_link.ts";

/** Who takes reports. */
export interface ReportTaker {
  /** For logs. */
  readonly url: string;
  /** Sends one. @throws {Error} Only the signal's reason. */
  report(report: WorkerReport, options: { signal: AbortSignal }): Promise<BeatOutcome>;
}

/** What a {@linkcode Heartbeat} needs. */
export interface HeartbeatOptions {
  /** The gateway. */
  readonly gateway: ReportTaker;
  /** Makes a report of what is known now; must not take long. */
  readonly buildReport: () => Promise<WorkerReport>;
  /** Hears of each change between joined and not. */
  readonly logger: Logger;
  /** Times beats. Default: the host's. */
  readonly clock?: Clock;
}

/** From the start of one report to that of the next. */
const BEAT_MS = 2_000;
/** As often at most, however impatient the gateway is. */
const SHORTEST_BEAT_MS = 200;
/** Between tries while the gateway answers that it cannot: it must find us within 5 s once it can. */
const LONGEST_BACKOFF_MS = 4_000;
/** Between tries while somebody has to change something first. */
const REFUSED_RETRY_MS = 30_000;

/**
 * How long after the start of a report the next one is due.
 *
 * @param failureCount How many in a row were not accepted, this one included.
 */
export function nextBeatMs(outcome: BeatOutcome, failureCount: number): number {
  switch (outcome.kind) {
    case "accepted": // three beats before it gives up on us
      return Math.max(SHORTEST_BEAT_MS, Math.min(BEAT_MS, outcome.reply.timeout_ms / 3));
    case "unreachable":
      return outcome.retryAfterMs ?? Math.min(BEAT_MS * 2 ** (failureCount - 1), LONGEST_BACKOFF_MS);
    case "refused":
      return REFUSED_RETRY_MS;
  }
}

/** Reports to the gateway again and again: the first one joins it, and any one after it forgot us rejoins. */
export class Heartbeat {
  readonly #clock: Clock;
  #state = "";
  #lostMs: number | undefined;
  #failureCount = 0;
  #nudge = new AbortController();

  /** Sends nothing yet. */
  constructor(private readonly options: HeartbeatOptions) {
    this.#clock = options.clock ?? systemClock;
  }

  /** Beats until the signal aborts. Never two reports are under way. */
  async run({ signal }: { signal: AbortSignal }): Promise<void> {
    while (!signal.aborted) {
      const startMs = this.#clock.monotonic();
      this.#nudge = new AbortController();
      const outcome = await this.beat({ signal }).catch((error) => {
        if (!signal.aborted) throw error;
      });
      if (!outcome) return;
      const leftMs = nextBeatMs(outcome, this.#failureCount) - (this.#clock.monotonic() - startMs);
      const awake = outcome.kind === "accepted" ? AbortSignal.any([signal, this.#nudge.signal]) : signal;
      // A beat that took longer than its interval is followed by the next, but not in a tight loop.
      await this.#clock.sleep(Math.max(leftMs, SHORTEST_BEAT_MS), { signal: awake }).catch(() => {});
    }
  }

  /** The next report goes out at once, if the gateway takes reports: something has changed. */
  nudge(): void {
    this.#nudge.abort();
  }

  /** Sends one report, now. @throws {Error} The signal's reason. */
  async beat({ signal }: { signal: AbortSignal }): Promise<BeatOutcome> {
    const outcome = await this.options.gateway.report(await this.options.buildReport(), { signal });
    this.#failureCount = outcome.kind === "accepted" ? 0 : this.#failureCount + 1;
    this.#tell(outcome);
    return outcome;
  }

  /** One line for each change, not for each beat. */
  #tell(outcome: BeatOutcome): void {
    const { logger, gateway: { url: gateway } } = this.options;
    const state = outcome.kind === "accepted" ? "accepted" : `${outcome.kind}: ${outcome.because}`;
    if (state === this.#state) return;
    this.#state = state;
    const nowMs = this.#clock.monotonic();
    if (outcome.kind === "accepted") {
      const outageMs = this.#lostMs === undefined ? undefined : Math.round(nowMs - this.#lostMs);
      this.#lostMs = undefined;
      return logger.info("joined the gateway", { gateway, outageMs });
    }
    this.#lostMs ??= nowMs;
    const fields = { gateway, reason: outcome.because };
    if (outcome.kind === "refused") logger.error("gateway refuses this worker", fields);
    else logger.warn("gateway not reached", fields);
  }
}
