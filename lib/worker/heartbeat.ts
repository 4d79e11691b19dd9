import { type Clock, systemClock } from "../clock.ts";
import type { Logger } from "../log.ts";
import type { WorkerReply, WorkerReport } from "../rpc/worker_report.ts";
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
  /** Gets each answer of the gateway. Must not throw. */
  readonly onReply?: (reply: WorkerReply) => void;
  /** Hears of each change between joined and not. */
  readonly logger: Logger;
  /** Times beats. Default: the host's. */
  readonly clock?: Clock;
}

/** From the start of one report to that of the next. */
const BEAT_MS = 2_000;
/** As often at most, however impatient the gateway is. */
const SHORTEST_BEAT_MS = 200;
/** When the gateway says that a backend waits for a client that is gone: whether it still does is soon known. */
const DOUBT_BEAT_MS = 500;
/** Between tries while somebody has to change something first. */
const REFUSED_RETRY_MS = 30_000;

/**
 * How long after the start of a report the next one is due, ms. One that did not arrive is followed by the next as soon
 * as any other, so that a gateway that is back knows everything within 5 s.
 */
export function nextBeatMs(outcome: BeatOutcome): number {
  switch (outcome.kind) {
    case "accepted": { // three beats before it gives up on us
      const { timeout_ms, vanished = [] } = outcome.reply;
      const beatMs = vanished.length > 0 ? DOUBT_BEAT_MS : BEAT_MS;
      return Math.max(SHORTEST_BEAT_MS, Math.min(beatMs, timeout_ms / 3));
    }
    case "unreachable":
      return outcome.retryAfterMs ?? BEAT_MS;
    case "refused":
      return REFUSED_RETRY_MS;
  }
}

/** Reports to the gateway again and again: the first one joins it, and any one after it forgot us rejoins. */
export class Heartbeat {
  readonly #clock: Clock;
  #state = "";
  #lostMs: number | undefined;
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
      const leftMs = nextBeatMs(outcome) - (this.#clock.monotonic() - startMs);
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
    this.#tell(outcome);
    if (outcome.kind === "accepted") this.options.onReply?.(outcome.reply);
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
