import type { ExternalFinding } from "./external_check.ts";

/** Between two checks of one that is silent: this share of the time that nothing was heard of it; ±10 %. */
const PAUSE_SHARE = 0.2;
const MIN_PAUSE_MS = 2_000;
const MAX_PAUSE_MS = 60_000;

/** For how long nothing has been heard of a coordinator of others, though it was asked. */
export class Silence {
  #sinceMs = Infinity;

  /** On the monotonic clock; `Infinity` while it answers. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /**
   * Takes what a check found. One that refuses is heard. One that loads is another process than the one that went
   * silent: what that had, nobody will answer.
   */
  learn(finding: ExternalFinding, nowMs: number): void {
    if (finding.health === "loading") return;
    const isHeard = finding.health === "up" || finding.cause === "unfit";
    this.#sinceMs = isHeard ? Infinity : Math.min(this.#sinceMs, nowMs);
  }

  /** Something of an answer has come: whatever checks find, it is at work. */
  heard(nowMs: number): void {
    if (this.#sinceMs < nowMs) this.#sinceMs = nowMs;
  }

  /** It is known to answer again. */
  end(): void {
    this.#sinceMs = Infinity;
  }

  /** Until one that went silent is asked again, ms: 2 s at first, and never much longer than it was away. */
  pauseMs(nowMs: number, random: number): number {
    const pauseMs = Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, (nowMs - this.#sinceMs) * PAUSE_SHARE));
    return pauseMs * (0.9 + 0.2 * random);
  }
}
