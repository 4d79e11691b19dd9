import { systemClock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import type { Environment } from "../config/environment.ts";
import { messageOf } from "../errors.ts";
import type { UpstreamAddress } from "../http/address.ts";
import type { HttpClient } from "../http/client.ts";
import type { HeaderList } from "../http/headers.ts";
import { findLlamaCpp, requireProgram } from "../llama_cpp/find.ts";
import { ownVersionOf } from "../llama_cpp/own_version.ts";
import type { Logger } from "../log.ts";
import type { ResolvedModel } from "../ollama/resolved_model.ts";
import { InsufficientMemoryError } from "../planner/shortage.ts";
import type { BackendLease } from "../registry/backend_lease.ts";
import type { BackendRegistry } from "../registry/backend_registry.ts";
import { Coordinator } from "./coordinator.ts";
import { CoordinatorDeath, CoordinatorStartError } from "./coordinator_failure.ts";
import type { Diagnose } from "./diagnosis.ts";
import { type LeasedPlan, leasePlan } from "./leased_plan.ts";
import type { ModelPlanner } from "./model_planner.ts";
import type { VerifiedPlacement } from "./placement_check.ts";
import { toLaunch } from "./plan_launch.ts";
import type { Refusal, RefusedMemory } from "./refused_memory.ts";
import type { ServingCoordinator } from "./serving.ts";
import { watchForStall } from "./stall_watch.ts";

/** What a {@linkcode ShardedCoordinator} is started with, the same for every model. */
export interface ShardedStartOptions {
  /** Launch options and timeouts, as the operator wants them. */
  readonly config: Pick<Config, "coordinator" | "llamaCpp" | "timeouts">;
  /** Where llama.cpp is looked for. */
  readonly env: Environment;
  /** Stays the caller's to dispose. */
  readonly http: HttpClient;
  /** Gets the plan, the start and the death. */
  readonly logger: Logger;
  /** Knows the rpc backends, and who has them. */
  readonly registry: BackendRegistry;
  /** Says where the layers go. */
  readonly planner: ModelPlanner;
  /** Knows which backends had less memory than they said. */
  readonly refusedMemory: RefusedMemory;
  /** Hears of each load that succeeded. Must not throw. */
  readonly onLoaded: (loaded: LoadedModel) => void;
}

/** A load, what was planned for it and what came of it. */
export interface LoadedModel {
  /** The model's name. */
  readonly model: string;
  /** Such as `llama`. */
  readonly architecture: string;
  /** Of llama.cpp, such as `b11669`, where known. */
  readonly build: string | undefined;
  /** Planned and actual bytes of each device. */
  readonly placement: VerifiedPlacement;
  /** What the planned compute bytes had been multiplied with. */
  readonly computeCorrection: number;
  /** From the start of the process to its first answer, ms. */
  readonly loadMs: number;
}

/** What is known for longer is asked again before a plan: memory changes faster than health, ms. */
const PLAN_FRESH_MS = 2_000;
/** Each attempt leaves out the backend that the one before failed by. */
const MAX_ATTEMPTS = 4;

/** A model spread over rpc backends, with the coordinator that serves it. */
export class ShardedCoordinator implements ServingCoordinator {
  readonly upstream: string;
  readonly headers: HeaderList;

  private constructor(
    readonly key: string,
    readonly because: string,
    private readonly coordinator: Coordinator,
    readonly leaving: AbortSignal,
  ) {
    this.upstream = `coordinator of ${coordinator.model}`;
    this.headers = [["authorization", `Bearer ${coordinator.apiKey}`]];
  }

  /**
   * Plans the model's layers over the rpc backends that are up, takes a lease on those that it will use, starts
   * llama-server and verifies that the layers are where they were planned. A backend that makes the start fail is
   * left out of the next attempt; one that had less memory than it said is planned with what it has. The lease ends
   * with the process.
   *
   * @throws {GatewayError} With the backend at fault and what to do: `backend_unreachable`, `no_capacity`,
   *   `insufficient_memory`, `model_unusable`, `load_timeout`, `upstream_failed`.
   * @throws The signal's reason, once it aborted; nothing is left running then.
   */
  static async start(
    model: ResolvedModel,
    options: ShardedStartOptions,
    signal: AbortSignal,
  ): Promise<ShardedCoordinator> {
    const { config, env, planner, registry, onLoaded } = options;
    const programs = await findLlamaCpp({ ...config.llamaCpp, env });
    const program = requireProgram(programs.llamaServer);
    const own = await ownVersionOf(programs, { signal });
    if (own) registry.setOwnVersion(own);
    const content = await planner.read(model, signal);
    const askedMs = systemClock.monotonic();
    await registry.refresh({ olderThanMs: PLAN_FRESH_MS, signal });
    let firstFailure: unknown;
    for (let attempt = 1;; attempt++) {
      try {
        const olderThanMs = systemClock.monotonic() - askedMs + PLAN_FRESH_MS;
        const plan = leasePlan(model, content, { ...options, olderThanMs, build: own?.build });
        const coordinator = await startLeased(program, model, plan, options, signal);
        const { placement, loadMs } = coordinator;
        const { architecture } = content;
        const { computeCorrection } = plan;
        const build = own?.build;
        onLoaded({ model: model.name, architecture, build, placement, computeCorrection, loadMs });
        return new ShardedCoordinator(model.key, plan.because, coordinator, plan.lease.leaving);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof InsufficientMemoryError && refusalOf(firstFailure)) throw error; // it has the numbers
        firstFailure ??= error;
        const mayDoWithout = error instanceof CoordinatorStartError && error.suspectEndpoint !== undefined;
        if (!mayDoWithout || attempt === MAX_ATTEMPTS) throw firstFailure;
        options.logger.warn("coordinator start retried", { model: model.name, error });
      }
    }
  }

  /** Where its llama-server answers. */
  get address(): UpstreamAddress {
    return this.coordinator.address;
  }

  get dead(): AbortSignal {
    return this.coordinator.dead;
  }

  get gone(): AbortSignal {
    return this.coordinator.gone;
  }

  /** Where the layers are, as llama.cpp confirmed it. */
  get placement(): VerifiedPlacement {
    return this.coordinator.placement;
  }

  stop(): Promise<void> {
    return this.coordinator.stop();
  }
}

/** Starts what was planned. The lease is given back when the process is gone, or could not be started. */
async function startLeased(
  program: string,
  model: ResolvedModel,
  plan: LeasedPlan,
  { config, http, logger, refusedMemory }: ShardedStartOptions,
  signal: AbortSignal,
): Promise<Coordinator> {
  using owned = new DisposableStack();
  const lease = owned.use(plan.lease);
  const launch = toLaunch(model, plan.shape, plan.placement, config.coordinator, program);
  logger.info("coordinator planned", { model: model.name, because: plan.because });
  const diagnose: Diagnose = (_endpoints, deadline) => lease.diagnose(deadline);
  const coordinator = await Coordinator.start(launch, { signal, logger, http, diagnose }).catch((error) => {
    const refusal = refusalOf(error);
    if (refusal) refusedMemory.note(refusal, plan.placement);
    else reportFailedStart(lease, error);
    throw error;
  });
  owned.move();
  void untilGone(coordinator.gone).then(() => endLease(lease, coordinator.gone.reason));
  lease.reportUp(`serves "${model.name}"`);
  void watch(coordinator, lease, config.timeouts.stallMs, logger);
  return coordinator;
}

/** A backend that is sound, but had less memory than it said. */
function refusalOf(error: unknown): Refusal | undefined {
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
  if (!(death instanceof CoordinatorDeath) || death.kind === "out_of_memory") return lease[Symbol.dispose]();
  if (death.suspectEndpoint !== undefined) {
    lease.reportFailure(death.suspectEndpoint, messageOf(death));
  }
  lease[Symbol.dispose]();
}

/** A coordinator whose backend hangs answers nobody any more, and would never say so. */
async function watch(
  coordinator: Coordinator,
  lease: BackendLease,
  stallMs: number,
  logger: Logger,
): Promise<void> {
  const slots = (signal: AbortSignal) => coordinator.slots(signal);
  const fault = await watchForStall({
    slots,
    stallMs,
    get lost() {
      return lease.lost;
    },
    signal: coordinator.dead,
    clock: systemClock,
  });
  if (fault === undefined) return;
  logger.warn("coordinator stalled", { model: coordinator.model, pid: coordinator.pid, fault });
  const { lost } = lease;
  coordinator.abandon(lost.aborted ? `${fault} (${messageOf(lost.reason)})` : fault);
}

function untilGone(gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (gone.aborted) return resolve();
    gone.addEventListener("abort", () => resolve(), { once: true });
  });
}
