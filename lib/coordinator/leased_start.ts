import { systemClock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import { messageOf } from "../errors.ts";
import type { HttpClient } from "../http/client.ts";
import type { Logger } from "../log.ts";
import type { ProcessRecorder } from "../process/process_recorder.ts";
import type { ResolvedModel } from "../ollama/resolved_model.ts";
import type { BackendLease } from "../registry/backend_lease.ts";
import type { LoadProgress } from "../pool/pooled.ts";
import { untilAborted } from "../until_aborted.ts";
import { Coordinator } from "./coordinator.ts";
import { LossWatch } from "./loss_watch.ts";
import { watchCoordinator } from "./coordinator_watch.ts";
import { CoordinatorDeath, CoordinatorStartError } from "./coordinator_failure.ts";
import type { Diagnose } from "./diagnosis.ts";
import type { Journals } from "./journal.ts";
import type { LeasedPlan } from "./leased_plan.ts";
import { toLaunch } from "./plan_launch.ts";
import type { Refusal, RefusedMemory } from "./refused_memory.ts";

/** What {@linkcode startLeased} is given, the same for every model. */
export interface LeasedStartOptions {
  /** Launch options and timeouts, as the operator wants them. */
  readonly config: Pick<Config, "coordinator" | "timeouts">;
  /** Stays the caller's to dispose. */
  readonly http: HttpClient;
  /** Gets the plan, the start and the death. */
  readonly logger: Logger;
  /** Learns which backend had less memory than it said. */
  readonly refusedMemory: RefusedMemory;
  /** Keeps what each model's coordinators say. */
  readonly journals?: Journals | undefined;
  /** Remembers processes where that outlives us. */
  readonly recorder?: ProcessRecorder | undefined;
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
  { config, http, logger, refusedMemory, journals, recorder }: LeasedStartOptions,
  signal: AbortSignal,
  onProgress?: (progress: LoadProgress) => void,
): Promise<Coordinator> {
  using owned = new DisposableStack();
  const lease = owned.use(plan.lease);
  const launch = toLaunch(model, plan.shape, plan.placement, config.coordinator, program);
  logger.info("coordinator planned", { model: model.name, because: plan.because });
  const diagnose: Diagnose = (_endpoints, deadline) => lease.diagnose(deadline);
  const watched = owned.use(new LossWatch(model.name, lease, systemClock));
  const journal = journals?.of(model.key);
  const patience = {
    get stallMs() {
      return config.timeouts.stallMs;
    },
  };
  const told = { logger, journal, recorder, onProgress, patience };
  const start = { ...told, signal: AbortSignal.any([signal, watched.signal]), http, diagnose };
  const coordinator = await Coordinator.start(launch, start).catch((error) => {
    const refusal = refusalOf(error);
    if (refusal) refusedMemory.note(refusal, plan.placement);
    else reportFailedStart(lease, error);
    throw error;
  });
  watched[Symbol.dispose]();
  owned.move();
  void untilAborted(coordinator.gone).then(() => endLease(lease, coordinator.gone.reason));
  lease.reportUp(`serves "${model.name}"`);
  void watch(coordinator, lease, config, logger);
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

/** A coordinator that hangs, or is idle and has lost a backend, would never say so. */
async function watch(
  coordinator: Coordinator,
  lease: BackendLease,
  config: Pick<Config, "timeouts">,
  logger: Logger,
): Promise<void> {
  const fault = await watchCoordinator(coordinator, { lease, config, clock: systemClock });
  if (fault === undefined) return;
  logger.warn("coordinator is given up", { model: coordinator.model, pid: coordinator.pid, ...fault });
  coordinator.abandon(fault);
}
