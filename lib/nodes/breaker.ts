import type { BreakerState } from "./node.ts";

/** The leave to send one request; given back by what became of it. */
export interface BreakerPass {
  /** Whether it is to show that the node can be trusted again. */
  readonly isTrial: boolean;
  /** Tells what was sent since the last change from what was sent before. */
  readonly era: number;
}

/** So many failures in a row open it. */
const MAX_STREAK = 3;
/** Outcomes that are looked at, and the fewest that say anything. */
const OUTCOME_COUNT = 20;
const MIN_OUTCOME_COUNT = 6;
/** Share of failures among them that opens it. */
const MAX_FAILED_SHARE = 0.5;
/** For how long it is open: at first, and at most; ±20 %. */
const FIRST_OPEN_MS = 1_000;
const LONGEST_OPEN_MS = 30_000;
const JITTER = 0.2;

/**
 * Keeps requests from a node that fails them. Open after three failures in a row, or when half of the last twenty
 * failed; for 1 s, then 2, 4 … 30 s. Then half-open: one request is its trial, which closes it or opens it for longer.
 * Pure: time is told.
 */
export class Breaker {
  #state: BreakerState = "closed";
  #era = 0;
  #outcomes: boolean[] = [];
  #openings = 0;
  #dueMs = Infinity;
  #trial: BreakerPass | undefined;

  /** What it lets through. */
  get state(): BreakerState {
    return this.#state;
  }

  /** When {@linkcode advance} has something to do; `Infinity` for not before something else happens. */
  get dueMs(): number {
    return this.#dueMs;
  }

  /** Whether {@linkcode pass} would give leave. */
  get mayPass(): boolean {
    return this.#state === "closed" || (this.#state === "half-open" && this.#trial === undefined);
  }

  /** Leave for one request, in the same step in which it is sent. @returns `undefined` if there is none. */
  pass(): BreakerPass | undefined {
    if (!this.mayPass) return undefined;
    if (this.#state === "closed") return { isTrial: false, era: this.#era };
    return this.#trial = { isTrial: true, era: this.#era };
  }

  /**
   * The answer to it has begun. A trial can take minutes from here on: another request may be the next one, and the
   * first that ends decides.
   */
  answered(pass: BreakerPass): void {
    this.left(pass);
  }

  /** Its request has ended in no way that says anything of the node. */
  left(pass: BreakerPass): void {
    if (this.#trial === pass) this.#trial = undefined;
  }

  /** Its answer was whole. One that was sent before it opened shows at least that a trial is worth it. */
  succeeded(pass: BreakerPass): void {
    if (this.#state === "closed") this.#take(true);
    else if (this.#state === "open") this.#become("half-open");
    else if (pass.era === this.#era) this.#close();
  }

  /** The node failed it. What was sent before the last change is known to it already. */
  failed(pass: BreakerPass, nowMs: number, random: number): void {
    if (pass.era !== this.#era || this.#state === "open") return;
    this.#take(false);
    if (this.#state === "half-open" || this.#isTooMany) this.#open(nowMs, random);
  }

  /** Time has passed. */
  advance(nowMs: number): void {
    if (this.#state === "open" && nowMs >= this.#dueMs) this.#become("half-open");
  }

  /** The node is back from having been away: what failed there may be gone. */
  allowTrial(): void {
    if (this.#state === "open") this.#become("half-open");
  }

  get #isTooMany(): boolean {
    const streak = this.#outcomes.length - 1 - this.#outcomes.lastIndexOf(true);
    if (streak >= MAX_STREAK) return true;
    const failedCount = this.#outcomes.filter((isSuccess) => !isSuccess).length;
    return this.#outcomes.length >= MIN_OUTCOME_COUNT &&
      failedCount >= this.#outcomes.length * MAX_FAILED_SHARE;
  }

  #take(isSuccess: boolean): void {
    this.#outcomes.push(isSuccess);
    if (this.#outcomes.length > OUTCOME_COUNT) this.#outcomes.shift();
  }

  #open(nowMs: number, random: number): void {
    const plainMs = Math.min(LONGEST_OPEN_MS, FIRST_OPEN_MS * 2 ** this.#openings);
    this.#openings++;
    this.#become("open");
    this.#dueMs = nowMs + plainMs * (1 - JITTER + 2 * JITTER * random);
  }

  #close(): void {
    this.#openings = 0;
    this.#outcomes = [];
    this.#become("closed");
  }

  #become(state: BreakerState): void {
    this.#state = state;
    this.#era++;
    this.#trial = undefined;
    this.#dueMs = Infinity;
  }
}
