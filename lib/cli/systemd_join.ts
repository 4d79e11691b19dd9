import type { Clock } from "../clock.ts";
import type { Systemctl } from "../systemd/systemctl.ts";

const POLL_MS = 300;
const PATIENCE_MS = 20_000;

/** Whether a worker has joined its gateway. */
export interface Joining {
  /** Whether it has. */
  readonly isJoined: boolean;
  /** The same in the worker's words, with the reason if not. */
  readonly sentence: string;
}

/**
 * Waits until a worker says of itself that it has joined: its token may not ask the gateway for lists.
 *
 * @throws {GatewayError} `upstream_failed` if systemd does not answer; the signal's reason on abort.
 */
export async function untilJoined(
  systemctl: Systemctl,
  unit: string,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<Joining> {
  const startMs = clock.monotonic();
  for (;;) {
    const { statusText } = await systemctl.readState(unit);
    if (/; joined /.test(statusText)) return { isJoined: true, sentence: statusText };
    if (clock.monotonic() - startMs >= PATIENCE_MS) {
      return {
        isJoined: false,
        sentence: `has not taken this worker in: ${statusText || "it says nothing"}`,
      };
    }
    await clock.sleep(POLL_MS, { signal });
  }
}
