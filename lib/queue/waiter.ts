import type { Ticket } from "./waiting_line.ts";

const DEFAULT_PRIORITY = 5;

/** How one request waits. */
export interface WaitDemand {
  /** Aborts when the client has left: it costs nothing from there on. */
  readonly signal: AbortSignal;
  /**
   * 0 to 10, the higher the sooner; who waits rises with time. Default 5. Below 0 for work in the background, which rises
   * too, but never above 0.
   */
  readonly priority?: number | undefined;
  /** For how long it may wait for others' work, ms. Default: the settings'. */
  readonly maxWaitMs?: number | undefined;
}

/** What a {@linkcode Waiter} is made with. */
export interface Waiting {
  /** Equal for those who wait for the same. */
  readonly key: string;
  /** The model's name, for people. */
  readonly model: string;
  /** How it waits. */
  readonly demand: WaitDemand;
  /** Since when, ms of the monotonic clock. */
  readonly sinceMs: number;
  /** It gets nothing; called once at most. */
  readonly refuse: (reason: unknown) => void;
}

/** A request in a {@linkcode RequestLine}, until it is served, refused, or left by its client. */
export abstract class Waiter implements Ticket {
  /** Equal for those who wait for the same. */
  readonly key: string;
  /** The model's name, for people. */
  readonly model: string;
  /** The higher the sooner. */
  readonly priority: number;
  /** Since when it waits, ms of the monotonic clock. */
  readonly sinceMs: number;
  /** For how long it may wait for others' work, ms; `undefined`: as the settings say. */
  readonly maxWaitMs: number | undefined;
  /** Aborts when its client has left. */
  readonly signal: AbortSignal;
  /** It gets nothing. Only its line calls it. */
  readonly refuse: (reason: unknown) => void;

  /** It waits as soon as it is added to a line. */
  constructor({ key, model, demand, sinceMs, refuse }: Waiting) {
    this.key = key;
    this.model = model;
    this.priority = demand.priority ?? DEFAULT_PRIORITY;
    this.sinceMs = sinceMs;
    this.maxWaitMs = demand.maxWaitMs;
    this.signal = demand.signal;
    this.refuse = refuse;
  }

  /** Whether it is others' work that it waits for now: while it is not, it is never refused for waiting too long. */
  abstract readonly isHeldUp: boolean;

  /** For how long it has waited for others' work, ms. */
  abstract queueMs(nowMs: number): number;

  /** What it waits for, to follow its model's name. */
  abstract because(nowMs: number): string;
}
