import { systemClock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { ResolvedModel } from "../ollama/resolved_model.ts";
import type { BackendLease } from "../registry/backend_lease.ts";
import type { LoadProgress } from "../pool/pooled.ts";
import { untilAborted } from "../until_aborted.ts";
import type { Coordinator } from "./coordinator.ts";
import { LossWatch } from "./loss_watch.ts";
import { CoordinatorDeath, CoordinatorStartError } from "./coordinator_failure.ts";
import type { Diagnose } from "./diagnosis.ts";
import type { LeasedPlan } from "./leased_plan.ts";
import type { Refusal, RefusedMemory } from "./refused_memory.ts";
import { startWatched, type WatchedStartOptions } from "./watched_start.ts";

/** What {@linkcode startLeased} is given, the same for every model. */
export interface LeasedStartOptions extends WatchedStartOptions {
  /** Learns which backend had less memory than it said. */
  readonly refusedMemory: RefusedMemory;
}

/**
 * Starts what was planned, and watches it. The lease is given back when the process is gone, or could not be started;
 * what either tells of the backends is reported first.
 *
 * @param onProgress Hears how far the load is. Must not throw.
 * @throws {CoordinatorStartError} With the backend at fault. The signal's reason.
 */
export async function startLeased(
  program: string,
  model: ResolvedModel,
  plan: LeasedPlan,
  options: LeasedStartOptions,
  signal: AbortSignal,
  onProgress?: (progress: LoadProgress) => void,
): Promise<Coordinator> {
  using owned = new DisposableStack();
  const lease = owned.use(plan.lease);
  const diagnose: Diagnose = (_endpoints, deadline) => lease.diagnose(deadline);
  const loss = owned.use(new LossWatch(model.name, lease, systemClock));
  const start = { program, model, plan, lease, diagnose, onProgress };
  const during = AbortSignal.any([signal, loss.signal]);
  const coordinator = await startWatched({ ...start, signal: during }, options).catch((error) => {
    const refusal = refusalOf(error);
    if (refusal) options.refusedMemory.note(refusal, plan.placement);
    else reportFailedStart(lease, error);
    throw error;
  });
  loss[Symbol.dispose]();
  owned.move();
  void untilAborted(coordinator.gone).then(() => endLease(lease, coordinator.gone.reason));
  lease.reportUp(`serves "${model.name}"`);
  return coordinator;
}

/** What a backend refused that is sound, but had less memory than it said; `undefined` for any other failure. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof CoordinatorStartError) || error.refused === undefined) return undefined;
  return error.suspectEndpoint === undefined
    ? undefined
    : { endpoint: error.suspectEndpoint, ...error.refused };
}

/** A protocol that our llama-server does not speak is that of all of them: a plan mixes none. */
function reportFailedStart(lease: BackendLease, error: unknown): void {
  if (!(error instanceof CoordinatorStartError) || error.suspectEndpoint === undefined) return;
  if (error.code === "no_capacity") return; // the diagnosis has told the registry that it is held
  const isMismatch = error.kind === "version_mismatch" || error.kind === "handshake_failed";
  const endpoints = isMismatch ? lease.endpoints : [error.suspectEndpoint];
  const health = isMismatch ? "mismatch" : "down";
  for (const endpoint of endpoints) lease.reportFailure(endpoint, error.message, health);
}

function endLease(lease: BackendLease, death: unknown): void {
  const wasSound = death instanceof CoordinatorDeath && death.isWanted && death.exit.code === 0;
  if (wasSound) lease.reportUp("has served a coordinator until now"); // it freed its buffers there, or would have aborted
  const isFault = death instanceof CoordinatorDeath && death.kind !== "out_of_memory";
  if (isFault && death.suspectEndpoint !== undefined) {
    lease.reportFailure(death.suspectEndpoint, messageOf(death));
  }
  lease[Symbol.dispose]();
}
