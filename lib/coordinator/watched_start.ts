import { systemClock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import type { HttpClient } from "../http/client.ts";
import type { Logger } from "../log.ts";
import type { ResolvedModel } from "../ollama/resolved_model.ts";
import type { LoadProgress } from "../pool/pooled.ts";
import type { ProcessRecorder } from "../process/process_recorder.ts";
import { Coordinator } from "./coordinator.ts";
import { type LossNotice, watchCoordinator } from "./coordinator_watch.ts";
import type { Diagnose } from "./diagnosis.ts";
import type { Journals } from "./journal.ts";
import { toLaunch } from "./plan_launch.ts";
import type { LeasedPlan } from "./leased_plan.ts";

/** What {@linkcode startWatched} is given, the same for every model. */
export interface WatchedStartOptions {
  /** Launch options and timeouts, as the operator wants them. */
  readonly config: Pick<Config, "coordinator" | "timeouts">;
  /** Stays the caller's to dispose. */
  readonly http: HttpClient;
  /** Gets the plan, the start and the death. */
  readonly logger: Logger;
  /** Keeps what each model's coordinators say. */
  readonly journals?: Journals | undefined;
  /** Remembers processes where that outlives us. */
  readonly recorder?: ProcessRecorder | undefined;
}

/** One start. */
export interface PlannedStart {
  /** Path of llama-server. */
  readonly program: string;
  /** What it is to serve. */
  readonly model: ResolvedModel;
  /** Where, and with what. */
  readonly plan: Pick<LeasedPlan, "placement" | "shape" | "because">;
  /** Ends the start, in any phase. */
  readonly signal: AbortSignal;
  /** Hears how far the load is. Must not throw. */
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
  /** Probes rpc backends, to name the one at fault; not given: there are none. */
  readonly diagnose?: Diagnose | undefined;
  /** Says whether an rpc backend is known to be lost; not given: there are none. */
  readonly lease?: LossNotice | undefined;
}

/** Nothing of it is anywhere else, so nothing can be lost. */
const NOTHING_TO_LOSE: LossNotice = { lost: new AbortController().signal, lostEndpoint: undefined };

/**
 * Starts what was planned, and watches it from then on: it is killed if it hangs, or is idle and has lost a backend.
 *
 * @throws {GatewayError} As `Coordinator.start` does. The signal's reason.
 */
export async function startWatched(
  { program, model, plan, signal, onProgress, diagnose, lease = NOTHING_TO_LOSE }: PlannedStart,
  { config, http, logger, journals, recorder }: WatchedStartOptions,
): Promise<Coordinator> {
  const launch = toLaunch(model, plan.shape, plan.placement, config.coordinator, program);
  logger.info("coordinator planned", { model: model.name, because: plan.because });
  const journal = journals?.of(model.key);
  const patience = {
    get stallMs() {
      return config.timeouts.stallMs;
    },
  };
  const told = { logger, journal, recorder, onProgress, patience };
  const coordinator = await Coordinator.start(launch, {
    ...told,
    signal,
    http,
    ...(diagnose ? { diagnose } : {}),
  });
  void watch(coordinator, lease, config, logger);
  return coordinator;
}

/** A coordinator that hangs, or is idle and has lost a backend, would never say so. */
async function watch(
  coordinator: Coordinator,
  lease: LossNotice,
  config: Pick<Config, "timeouts">,
  logger: Logger,
): Promise<void> {
  const fault = await watchCoordinator(coordinator, { lease, config, clock: systemClock });
  if (fault === undefined) return;
  logger.warn("coordinator is given up", { model: coordinator.model, pid: coordinator.pid, ...fault });
  coordinator.abandon(fault);
}
