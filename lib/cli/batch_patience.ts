import type { Clock } from "../clock.ts";
import { GatewayError } from "../errors.ts";

/** How long a gateway may be away, ms: a host restarts within it. */
const PATIENCE_MS = 600_000;
const RETRY_MS = 1_000;

/** How one waits for a gateway that may be away for a while. */
export interface Patience {
  /** For the pauses. */
  readonly clock: Clock;
  /** Ends the waiting with its reason. */
  readonly signal: AbortSignal;
  /** Hears of each attempt in vain. Must not throw. */
  readonly onAway: (error: GatewayError) => void;
}

/**
 * Asks a gateway again until it answers, for ten minutes. What is asked must do no harm when it is done twice.
 *
 * @throws {GatewayError} What it refuses; or, if it was away for too long, why. The signal's reason.
 */
export async function askPatiently<T>(
  ask: () => Promise<T>,
  { clock, signal, onAway }: Patience,
): Promise<T> {
  const beganMs = clock.monotonic();
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isPassing(error) || clock.monotonic() - beganMs >= PATIENCE_MS) throw error;
      onAway(error);
    }
    await clock.sleep(RETRY_MS, { signal });
  }
}

function isPassing(error: unknown): error is GatewayError {
  return error instanceof GatewayError && error.status >= 500;
}
