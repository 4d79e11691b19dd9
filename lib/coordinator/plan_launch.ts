import type { Config } from "../config/config.ts";
import type { GgufModel } from "../gguf/model_info.ts";
import type { ResolvedModel } from "../ollama/resolved_model.ts";
import type { Placement } from "../planner/placement.ts";
import { contextSizeOf } from "../planner/context_size.ts";
import type { PlanShape } from "../planner/plan_input.ts";
import type { KvType } from "../llama_server/args.ts";
import { MIB } from "../units.ts";
import type { CoordinatorLaunch } from "./launch.ts";
import { logFileName } from "./log_file_name.ts";

/** What a model is run with: the operator's word first, then the model's own. */
export function shapeOf(
  model: Pick<ResolvedModel, "params">,
  content: Pick<GgufModel, "contextLength">,
  config: Config["coordinator"],
): PlanShape & { readonly kvType: KvType } {
  const { slots: slotCount, kvType, ubatchSize } = config;
  return { contextSize: contextSizeOf(model, content, config), slotCount, kvType, ubatchSize };
}

/** How a model is to be started where it was planned, with all options of the operator. */
export function toLaunch(
  model: ResolvedModel,
  shape: PlanShape & { readonly kvType: KvType },
  placement: Placement,
  config: Config["coordinator"],
  program: string,
): CoordinatorLaunch & { readonly placement: Placement } {
  return {
    program,
    model: model.name,
    modelPath: model.modelPath,
    modelBytes: model.sizeBytes,
    placement,
    slotContextSize: shape.contextSize,
    slotCount: shape.slotCount,
    threadCount: config.threads,
    promptCacheMib: Math.floor(config.cacheRamBytes / MIB),
    cacheTypeK: shape.kvType,
    cacheTypeV: shape.kvType,
    mmprojPath: model.projectorPaths[0],
    loraPaths: model.adapterPaths,
    batchSize: config.batchSize,
    ubatchSize: shape.ubatchSize,
    extraArgs: config.extraArgs,
    transport: config.transport,
    loadTimeoutMs: config.loadTimeoutMs,
    enumerateTimeoutMs: config.startupWatchdogMs,
    logFile: { path: `${config.logDir}/${logFileName(model.key)}`, maxBytes: config.logMaxBytes },
  };
}
