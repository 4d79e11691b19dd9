import type { Config } from "../config/config.ts";
import { GatewayError } from "../errors.ts";
import type { GgufModel } from "../gguf/model_info.ts";
import type { ResolvedModel } from "../ollama/resolved_model.ts";
import { computeBufferBytes } from "../planner/compute_buffer.ts";
import { kvCacheBytesPerLayer } from "../planner/kv_cache.ts";
import { type Placement, type PlanDevice, planPlacement } from "../planner/placement.ts";
import { formatEndpoint } from "../rpc/endpoint.ts";
import { MIB } from "../units.ts";
import type { CoordinatorLaunch } from "./launch.ts";
import { leftOutNote, noBackend, type Survey } from "./survey.ts";

/**
 * How a model is to be started over the backends of a survey: its layers placed, and all options of the operator.
 *
 * @throws {GatewayError} `backend_unreachable` or `no_capacity` if no backend is usable; `insufficient_memory`.
 */
export function planLaunch(
  model: ResolvedModel,
  content: GgufModel,
  survey: Survey,
  config: Config["coordinator"],
  program: string,
): CoordinatorLaunch & { readonly placement: Placement } {
  if (survey.usable.length === 0) throw noBackend(model.name, survey);
  const slotContextSize = contextSizeOf(model, content, config);
  const shape = { contextSize: slotContextSize, slotCount: config.slots, kvType: config.kvType };
  return {
    program,
    model: model.name,
    modelPath: model.modelPath,
    modelBytes: model.sizeBytes,
    placement: place({
      ...content,
      name: model.name,
      perLayerKvBytes: kvCacheBytesPerLayer(content, shape),
      computeBytes: computeBufferBytes(content, config),
    }, survey),
    slotContextSize,
    slotCount: config.slots,
    threadCount: config.threads,
    promptCacheMib: Math.floor(config.cacheRamBytes / MIB),
    cacheTypeK: config.kvType,
    cacheTypeV: config.kvType,
    mmprojPath: model.projectorPaths[0],
    loraPaths: model.adapterPaths,
    extraArgs: [...batchArgs(config), ...config.extraArgs],
    transport: config.transport,
    loadTimeoutMs: config.loadTimeoutMs,
    enumerateTimeoutMs: config.startupWatchdogMs,
    logFile: { path: `${config.logDir}/coordinator.log`, maxBytes: config.logMaxBytes },
  };
}

/** The operator's word first, then the model's own; never more than the model was trained to see. */
function contextSizeOf(model: ResolvedModel, content: GgufModel, config: Config["coordinator"]): number {
  const own = model.params.num_ctx;
  const wanted = config.isContextSizeSet || !own || own <= 0 ? config.contextSize : own;
  return content.contextLength > 0 ? Math.min(wanted, content.contextLength) : wanted;
}

function batchArgs({ batchSize, ubatchSize }: Config["coordinator"]): string[] {
  return [
    ...(batchSize === undefined ? [] : ["-b", String(batchSize)]),
    ...(ubatchSize === undefined ? [] : ["-ub", String(ubatchSize)]),
  ];
}

function place(plan: Parameters<typeof planPlacement>[0], survey: Survey): Placement {
  const devices: PlanDevice[] = survey.usable.flatMap(({ endpoint, devices }) =>
    devices.map((device, deviceIndex) => ({ endpoint: formatEndpoint(endpoint), deviceIndex, ...device }))
  );
  try {
    return planPlacement(plan, devices);
  } catch (error) {
    if (!(error instanceof GatewayError) || survey.leftOut.length === 0) throw error;
    throw new GatewayError(error.code, error.message + leftOutNote(survey), { cause: error });
  }
}
