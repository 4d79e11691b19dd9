import type { Config } from "../config/config.ts";
import type { Environment } from "../config/environment.ts";
import { findLlamaCpp, requireProgram } from "../llama_cpp/find.ts";
import type { LoadProgress, Wanted } from "../pool/pooled.ts";
import { untilAborted } from "../until_aborted.ts";
import type { LocalHost } from "./local_host.ts";
import type { LocalPlan } from "./local_plan.ts";
import { LOCAL_ENDPOINTS, LocalProspect } from "./local_prospect.ts";
import type { ModelPlanner } from "./model_planner.ts";
import { PlacedCoordinator } from "./placed_coordinator.ts";
import { noteTemplate, readProjector, type ServedContent, servedModel } from "./served_model.ts";
import type { ModelToFind } from "./sharded_model.ts";
import { startWatched, type WatchedStartOptions } from "./watched_start.ts";

/** What a {@linkcode localModel} is started with, the same for every model. */
export interface LocalModelOptions extends WatchedStartOptions {
  /** Launch options, timeouts and where llama.cpp is, as the operator wants them. */
  readonly config: Pick<Config, "coordinator" | "llamaCpp" | "timeouts">;
  /** Aborts when a coordinator would be started with other options than at the moment in which this is read. */
  readonly optionsChanged: () => AbortSignal;
  /** Where llama.cpp is looked for. */
  readonly env: Environment;
  /** Says whether a model fits. */
  readonly planner: ModelPlanner;
  /** This host; one for all models. */
  readonly host: LocalHost;
}

/**
 * A model that is to be run whole on this host, by a llama-server without rpc backends: started if this host has the
 * memory for it. One at a time; another one that is idle makes room for it.
 */
export function localModel(
  { key, model: name, resolve }: ModelToFind,
  options: LocalModelOptions,
): Wanted<PlacedCoordinator> {
  return {
    key,
    model: name,
    prepare: async (signal) => {
      const { config, env, planner, host } = options;
      const model = await resolve(signal);
      const program = requireProgram((await findLlamaCpp({ ...config.llamaCpp, env })).llamaServer);
      const content = await planner.read(model, signal);
      const projector = await readProjector(model, signal);
      const besideBytes = await sizeOfAll([...model.projectorPaths.slice(0, 1), ...model.adapterPaths]);
      return new LocalProspect(model, content, {
        planner,
        host,
        supply: await host.look(program, signal), // last: what others take meanwhile is seen
        besideBytes,
        minContextSize: config.coordinator.minContextSize,
        start: (plan, starting, onProgress) =>
          start({ program, model, content, projector, plan, signal: starting, onProgress }, options),
      });
    },
  };
}

interface LocalStart extends ServedContent {
  readonly program: string;
  readonly plan: LocalPlan;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: LoadProgress) => void;
}

/** This host is given back when the process is gone, or could not be started. */
async function start(planned: LocalStart, options: LocalModelOptions): Promise<PlacedCoordinator> {
  noteTemplate(planned, options.logger);
  const leaving = options.optionsChanged(); // in one step with the options themselves
  const { model, plan: { lease, because } } = planned;
  using owned = new DisposableStack();
  owned.use(lease);
  const coordinator = await startWatched(planned, options);
  lease.runs(coordinator.pid);
  owned.move();
  void untilAborted(coordinator.gone).then(() => lease[Symbol.dispose]());
  const served = servedModel(planned, coordinator.contextSize);
  return new PlacedCoordinator(model.key, coordinator, {
    ...{ because, endpoints: LOCAL_ENDPOINTS, served, leaving },
  });
}

/** What is missing is for llama-server to tell. */
async function sizeOfAll(paths: readonly string[]): Promise<number> {
  const sizes = paths.map((path) => Deno.stat(path).then(({ size }) => size, () => 0));
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
