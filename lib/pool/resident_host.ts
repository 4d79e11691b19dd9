import type { Clock } from "../clock.ts";
import type { Logger } from "../log.ts";
import type { PoolEvent, PoolSettings } from "./pooled.ts";

/** What a model's coordinator needs of its pool. */
export interface ResidentHost {
  /** Measures. */
  readonly clock: Clock;
  /** Gets one line a change of state. */
  readonly logger: Logger;
  /** What the operator wants now. */
  settings(): PoolSettings;
  /** From 0 to 1, for the jitter of pauses. */
  readonly random: () => number;
  /** Whether a start that failed with this may succeed elsewhere, tried again at once. */
  mayRetry(error: unknown): boolean;
  /** Which of the errors of all attempts to start clients are told. */
  chooseError(errors: readonly unknown[]): unknown;
  /** Hears what happens. */
  publish(event: PoolEvent): void;
  /** Whether somebody waits for this model. */
  isAwaited(key: string): boolean;
  /** Refuses all who wait for this model. */
  refuse(key: string, reason: unknown): void;
  /** A lease was given back. */
  released(key: string): void;
  /** Something happened by itself: it is time to decide anew. */
  changed(): void;
}
