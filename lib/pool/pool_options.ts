import type { Clock } from "../clock.ts";
import type { Logger } from "../log.ts";
import type { WaitingRoom } from "../queue/waiting_room.ts";
import type { PoolEvent, PoolSettings } from "./pooled.ts";

/** What a pool is made of. */
export interface PoolOptions {
  /** Gets one line a change of state. */
  readonly logger: Logger;
  /** What the operator wants. */
  readonly settings: PoolSettings;
  /** Where requests wait, if others wait there too. Default: a room of its own for `settings.maxQueued`. */
  readonly room?: WaitingRoom | undefined;
  /** Default: the host's. */
  readonly clock?: Clock | undefined;
  /** Hears what happens. Must neither throw nor call the pool. */
  readonly onEvent?: ((event: PoolEvent) => void) | undefined;
  /** Whether a start that failed with this may succeed elsewhere, tried again at once. Default: never. */
  readonly mayRetry?: ((error: unknown) => boolean) | undefined;
  /** Which of the errors of all attempts to start, in their order, clients are told. Default: the first. */
  readonly chooseError?: ((errors: readonly unknown[]) => unknown) | undefined;
  /** From 0 to 1, for the jitter of pauses. Default: `Math.random`. */
  readonly random?: (() => number) | undefined;
}
