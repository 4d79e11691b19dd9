import type { Clock } from "../lib/clock.ts";

/** What an answer needs that may take long, or last for ever. */
export interface LongAnswerSettings {
  /** Aborts when the gateway begins to shut down: the answer ends then. */
  readonly closing: AbortSignal;
  /** For what happens in between. */
  readonly clock: Clock;
}
