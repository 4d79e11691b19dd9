import { systemClock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import type { Environment } from "../config/environment.ts";
import type { UpstreamAddress } from "../http/address.ts";
import type { HeaderList } from "../http/headers.ts";
import { findLlamaCpp, requireProgram } from "../llama_cpp/find.ts";
import { ownVersionOf } from "../llama_cpp/own_version.ts";
import type { ResolvedModel } from "../ollama/resolved_model.ts";
import { InsufficientMemoryError } from "../planner/shortage.ts";
import type { BackendRegistry } from "../registry/backend_registry.ts";
import type { Coordinator } from "./coordinator.ts";
import { CoordinatorStartError } from "./coordinator_failure.ts";
import { leasePlan } from "./leased_plan.ts";
import { type LeasedStartOptions, refusalOf, startLeased } from "./leased_start.ts";
import type { LoadedModel } from "./loaded_model.ts";
import { type ModelPlanner, PLAN_FRESH_MS } from "./model_planner.ts";
import type { VerifiedPlacement } from "./placement_check.ts";
import type { ServingCoordinator } from "./serving.ts";

/** What a {@linkcode ShardedCoordinator} is started with, the same for every model. */
export interface ShardedStartOptions extends LeasedStartOptions {
  /** Launch options, timeouts and where llama.cpp is, as the operator wants them. */
  readonly config: Pick<Config, "coordinator" | "llamaCpp" | "timeouts">;
  /** Where llama.cpp is looked for. */
  readonly env: Environment;
  /** Knows the rpc backends, and who has them. */
  readonly registry: BackendRegistry;
  /** Says where the layers go. */
  readonly planner: ModelPlanner;
  /** Hears of each load that succeeded. Must not throw. */
  readonly onLoaded: (loaded: LoadedModel) => void;
}

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
