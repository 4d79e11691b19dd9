import type { Clock } from "../clock.ts";
import type { Systemctl } from "./systemctl.ts";
import { troubleOf } from "./trouble.ts";
import type { UnitState } from "./unit_state.ts";

const POLL_MS = 200;

/** How long to watch. */
export interface Patience {
  /** Times the polls. */
  readonly clock: Clock;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** For how long a service must live to count as up, ms. Default 1.5 s: one that cannot have its port dies earlier. */
  readonly steadyMs?: number;
  /** Longest wait, ms. Default 100 s: systemd itself gives up after 90 s. */
  readonly timeoutMs?: number;
}

/** How a service stands after it was watched. */
export interface Standing {
  /** Name of the unit. */
  readonly unit: string;
  /** What systemd said last. */
  readonly state: UnitState;
  /** Why it is not up, as a clause; `undefined` if it is. */
  readonly trouble: string | undefined;
}

/**
 * Watches a service until it has been up for a while, or has failed.
 *
 * @throws {GatewayError} `upstream_failed` if systemd does not answer; the signal's reason on abort.
 */
export async function untilUp(systemctl: Systemctl, unit: string, patience: Patience): Promise<Standing> {
  const { clock, signal, steadyMs = 1_500, timeoutMs = 100_000 } = patience;
  const startMs = clock.monotonic();
  let life: string | undefined;
  let bornMs = startMs;
  for (;;) {
    const state = await systemctl.readState(unit);
    const trouble = troubleOf(state);
    const nowMs = clock.monotonic();
    if (trouble !== undefined && !isOnItsWay(state)) return { unit, state, trouble };
    if (life !== state.invocation) [life, bornMs] = [state.invocation, nowMs];
    if (trouble === undefined && nowMs - bornMs >= steadyMs) return { unit, state, trouble };
    if (nowMs - startMs >= timeoutMs) return { unit, state, trouble: trouble ?? "it does not stay up" };
    await clock.sleep(POLL_MS, { signal });
  }
}

function isOnItsWay({ active, sub }: UnitState): boolean {
  return active === "activating" && sub !== "auto-restart";
}
