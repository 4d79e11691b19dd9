import type { NodeHealth } from "./node.ts";
import type { NodeDown, NodeFinding } from "./node_check.ts";

/** What a moment of a check is judged by. */
export interface PulseMoment {
  /** When the check began, on the monotonic clock. */
  readonly startedMs: number;
  /** Now, on the same clock. */
  readonly nowMs: number;
  /** From 0 to 1. */
  readonly random: number;
  /** Between two checks while it is up, ms. */
  readonly checkEveryMs: number;
}

/** Until one that was silent for once is asked again, ms. */
const SOON_MS = 1_000;
/**
 * From the start of one check to that of the next, ms, of one that is down: longer each time, and never so long that one
 * which is back has to wait for 3 s. One that is silent takes most of it for the check itself.
 */
const FIRST_DOWN_MS = 1_000;
const LONGEST_DOWN_MS = 2_500;
const DOWN_GROWTH = 1.1;
const MIN_PAUSE_MS = 500;

/** Whether a node answers, since when not, and when it is to be asked again. Pure: time is told. */
export class NodePulse {
  #health: NodeHealth = "unknown";
  #reason = "it was not asked yet; ask again in a moment";
  #cause: NodeDown["cause"] | undefined;
  #knownMs: number | undefined;
  #silentSinceMs = Infinity;
  #wasForgiven = false;
  #failureCount = 0;
  #nextCheckMs = 0;

  /** Whether it answers its checks. */
  get health(): NodeHealth {
    return this.#health;
  }

  /** Why, in a clause for a person. */
  get reason(): string {
    return this.#reason;
  }

  /** Why it is down; `undefined` while it is not. */
  get cause(): NodeDown["cause"] | undefined {
    return this.#cause;
  }

  /** Not before it is time, on the monotonic clock. */
  get nextCheckMs(): number {
    return this.#nextCheckMs;
  }

  /** How old what is known is, ms; `undefined` if nothing is. */
  ageMs(nowMs: number): number | undefined {
    return this.#knownMs === undefined ? undefined : Math.round(nowMs - this.#knownMs);
  }

  /**
   * For how long nothing has been heard of it, though it was asked, ms; `undefined` while it answers its checks, or is
   * known to be there.
   */
  silenceMs(nowMs: number): number | undefined {
    return this.#health === "down" && this.#silentSinceMs < nowMs ? nowMs - this.#silentSinceMs : undefined;
  }

  /**
   * Takes what a check found. One that was up is not given up for one silence: it may be busy.
   *
   * @param summary What is to be said of one that is up.
   */
  learn(finding: NodeFinding, moment: PulseMoment, summary: string): void {
    const { nowMs } = moment;
    const isHeard = finding.health === "up" || finding.cause === "unfit";
    this.#silentSinceMs = isHeard ? Infinity : Math.min(this.#silentSinceMs, nowMs);
    const isFirstSilence = finding.health === "down" && finding.cause === "silent" &&
      !this.#wasForgiven && this.#health === "up";
    this.#wasForgiven = isFirstSilence;
    if (isFirstSilence) {
      this.#nextCheckMs = nowMs + Math.min(SOON_MS, moment.checkEveryMs);
      return;
    }
    this.#knownMs = nowMs;
    if (finding.health === "up") this.#rise(summary);
    else this.#fall(finding);
    this.#nextCheckMs = this.#nextMs(moment);
  }

  /** Learns from use that it answers, and is to be asked what else there is to know. */
  answered(nowMs: number): void {
    this.#knownMs = nowMs;
    this.#silentSinceMs = Infinity;
    this.#wasForgiven = false;
    this.#nextCheckMs = nowMs;
    this.#rise("it answers requests");
  }

  /** Something of an answer has come: whatever checks find, it is at work. */
  heard(nowMs: number): void {
    if (this.#silentSinceMs < nowMs) this.#silentSinceMs = nowMs;
  }

  #rise(reason: string): void {
    this.#failureCount = 0;
    this.#cause = undefined;
    [this.#health, this.#reason] = ["up", reason];
  }

  #fall({ reason, cause }: NodeDown): void {
    this.#failureCount++;
    this.#cause = cause;
    [this.#health, this.#reason] = ["down", reason];
  }

  #nextMs({ startedMs, nowMs, random, checkEveryMs }: PulseMoment): number {
    const jitter = 0.9 + 0.2 * random;
    if (this.#health === "up") return nowMs + checkEveryMs * jitter;
    const periodMs = Math.min(LONGEST_DOWN_MS, FIRST_DOWN_MS * DOWN_GROWTH ** (this.#failureCount - 1));
    return Math.max(nowMs + MIN_PAUSE_MS, startedMs + periodMs * jitter);
  }
}
