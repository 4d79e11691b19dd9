import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import type { BackendLease } from "../registry/backend_lease.ts";
import { parseEndpoint } from "../rpc/endpoint.ts";
import { readSocketLook, watchConnections } from "./connection_watch.ts";
import type { Coordinator } from "./coordinator.ts";
import type { Fault } from "./coordinator_failure.ts";
import { isIdle } from "./stall_judge.ts";
import { watchForStall } from "./stall_watch.ts";

/** Says whether a backend is known to be lost. */
export type LossNotice = Pick<BackendLease, "lost" | "lostEndpoint">;

/** What {@linkcode watchCoordinator} is told. */
export interface CoordinatorWatchOptions {
  /** Says whether a backend is known to be lost. */
  readonly lease: LossNotice;
  /** For how long an answer may stand still; read at each look. */
  readonly config: Pick<Config, "timeouts">;
  /** Times the looks. */
  readonly clock: Clock;
}

/**
 * Watches a coordinator until it dies, or must be ended because it hangs or has lost a backend: it would never say so.
 * Begin it right after the load.
 *
 * @returns What is wrong; `undefined` if it died. Never rejects.
 */
export async function watchCoordinator(
  coordinator: Coordinator,
  { lease, config, clock }: CoordinatorWatchOptions,
): Promise<Fault | undefined> {
  const over = new AbortController();
  const signal = AbortSignal.any([coordinator.dead, over.signal]);
  const { endpoints, isMultimodal, pid } = coordinator;
  const ports = new Set(endpoints.map((endpoint) => parseEndpoint(endpoint).port));
  const look = () => coordinator.look({ signal, timeoutMs: askMsFor(config.timeouts.stallMs) });
  const stall = watchForStall({
    look,
    get stallMs() {
      return config.timeouts.stallMs;
    },
    isMultimodal,
    isLocal: endpoints.length === 0,
    lease,
    signal,
    clock,
  });
  const loss = watchConnections({
    endpoints,
    look: () => readSocketLook(pid, ports),
    isIdle: () => look().then(isIdle, () => false),
    signal,
    clock,
  });
  const fault = await Promise.race([stall, loss.then((found) => found ?? stall)]);
  over.abort();
  return fault;
}

/** It answers from memory. */
function askMsFor(stallMs: number): number {
  return Math.min(2_000, stallMs / 4);
}
