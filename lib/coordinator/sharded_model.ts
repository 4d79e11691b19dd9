import { systemClock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import type { Environment } from "../config/environment.ts";
import { findLlamaCpp, requireProgram } from "../llama_cpp/find.ts";
import { ownVersionOf } from "../llama_cpp/own_version.ts";
import type { ResolvedModel } from "../ollama/resolved_model.ts";
import { InsufficientMemoryError } from "../planner/shortage.ts";
import type { LoadProgress, Wanted } from "../pool/pooled.ts";
import type { BackendRegistry } from "../registry/backend_registry.ts";
import { CoordinatorStartError } from "./coordinator_failure.ts";
import type { LeasedPlan } from "./leased_plan.ts";
import { type LeasedStartOptions, refusalOf, startLeased } from "./leased_start.ts";
import type { LoadedModel } from "./loaded_model.ts";
import { type ModelPlanner, PLAN_FRESH_MS } from "./model_planner.ts";
import { PlacedCoordinator } from "./placed_coordinator.ts";
import { noteTemplate, readProjector, type ServedContent, servedModel } from "./served_model.ts";
import { ShardedProspect } from "./sharded_prospect.ts";

/** What a {@linkcode shardedModel} is started with, the same for every model. */
export interface ShardedModelOptions extends LeasedStartOptions {
  /** Launch options, timeouts and where llama.cpp is, as the operator wants them. */
  readonly config: Pick<Config, "coordinator" | "llamaCpp" | "timeouts">;
  /** Aborts when a coordinator would be started with other options than at the moment in which this is read. */
  readonly optionsChanged: () => AbortSignal;
  /** Where llama.cpp is looked for. */
  readonly env: Environment;
  /** Knows the rpc backends, and who has them. */
  readonly registry: BackendRegistry;
  /** Says where the layers go. */
  readonly planner: ModelPlanner;
  /** Hears of each load that succeeded. Must not throw. */
  readonly onLoaded: (loaded: LoadedModel) => void;
}

/** A model to be found, and what it is called until then. */
export interface ModelToFind {
  /** Its canonical key. */
  readonly key: string;
  /** Its name, for people. */
  readonly model: string;
  /** Finds its files. @throws {GatewayError} `model_not_found`, `model_unusable`. The signal's reason. */
  readonly resolve: (signal: AbortSignal) => Promise<ResolvedModel>;
}

/**
 * A model that is to be spread over rpc backends: planned over those that are up, by their memory; started once it has a
 * lease on those that its plan uses, and verified to hold its layers where they were planned.
 */
export function shardedModel(
  { key, model: name, resolve }: ModelToFind,
  options: ShardedModelOptions,
): Wanted<PlacedCoordinator> {
  return {
    key,
    model: name,
    prepare: async (signal) => {
      const { config, env, planner, registry, refusedMemory } = options;
      const model = await resolve(signal);
      const programs = await findLlamaCpp({ ...config.llamaCpp, env });
      const program = requireProgram(programs.llamaServer);
      const own = await ownVersionOf(programs, { signal });
      if (own) registry.setOwnVersion(own);
      const content = await planner.read(model, signal);
      const projector = await readProjector(model, signal);
      const askedMs = systemClock.monotonic();
      const asked = { olderThanMs: PLAN_FRESH_MS, signal };
      await registry.refresh({ ...asked, asksDown: false });
      const prospect = new ShardedProspect(model, content, {
        planner,
        registry,
        refusedMemory,
        freshMs: () => systemClock.monotonic() - askedMs + PLAN_FRESH_MS,
        build: own?.build,
        minContextSize: config.coordinator.minContextSize,
        start: (plan, starting, onProgress) =>
          start(
            { program, model, content, projector, plan, build: own?.build, onProgress },
            options,
            starting,
          ),
      });
      if (!prospect.couldFit) await registry.refresh(asked); // one that is down may be back
      return prospect;
    },
  };
}

interface PlannedStart extends ServedContent {
  readonly program: string;
  readonly plan: LeasedPlan;
  readonly build: string | undefined;
  readonly onProgress: (progress: LoadProgress) => void;
}

async function start(
  planned: PlannedStart,
  options: ShardedModelOptions,
  signal: AbortSignal,
): Promise<PlacedCoordinator> {
  const { program, model, content, plan, build, onProgress } = planned;
  noteTemplate(planned, options.logger);
  const outdated = options.optionsChanged(); // in one step with the options themselves
  const coordinator = await startLeased(program, model, plan, options, signal, onProgress);
  const { placement, loadMs } = coordinator;
  const { computeCorrection } = plan;
  options.onLoaded({
    model: model.name,
    architecture: content.architecture,
    build,
    placement,
    computeCorrection,
    loadMs,
  });
  const { because, lease: { endpoints, leaving } } = plan;
  return new PlacedCoordinator(model.key, coordinator, {
    because,
    endpoints,
    served: servedModel(planned, coordinator.contextSize),
    leaving: AbortSignal.any([leaving, outdated]),
  });
}

/** Whether a start that failed may succeed on other backends: the registry knows by now which one failed it. */
export function mayStartElsewhere(error: unknown): boolean {
  return error instanceof CoordinatorStartError && error.suspectEndpoint !== undefined;
}

/** Of several starts in a row that failed, the error to tell: the first, unless a later one knows the numbers of it. */
export function tellingError(errors: readonly unknown[]): unknown {
  const [first] = errors;
  return refusalOf(first) ? errors.find((error) => error instanceof InsufficientMemoryError) ?? first : first;
}
