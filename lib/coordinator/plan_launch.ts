import type { Config } from "../config/config.ts";
import type { GgufModel } from "../gguf/model_info.ts";
import type { Pooling } from "../gguf/model_traits.ts";
import type { ResolvedModel } from "../ollama/resolved_model.ts";
import type { Placement } from "../planner/placement.ts";
import { contextSizeOf } from "../planner/context_size.ts";
import type { PlanShape } from "../planner/plan_input.ts";
import type { KvType } from "../llama_server/args.ts";
import { MIB } from "../units.ts";
import type { CoordinatorLaunch } from "./launch.ts";
import { logFileName } from "./log_file_name.ts";

/** What a model is run with. */
export interface LaunchShape extends PlanShape {
  /** Type of the K and V cache. */
  readonly kvType: KvType;
  /** Set for a model that embeds or ranks. */
  readonly pooling?: Pooling | undefined;
}

/** What a model is to be run with instead of what is usual. */
export interface ShapeWish {
  /** Tokens of one slot. */
  readonly contextSize?: number | undefined;
  /** Requests that are computed at once. */
  readonly slotCount?: number | undefined;
  /** Type of the K and V cache. */
  readonly kvType?: KvType | undefined;
}

/**
 * What a model is run with: what is wished, then the operator's word, then the model's own. A context that was wished is
 * planned as it is: the plan says if the model was not trained for it.
 */
export function shapeOf(
  model: Pick<ResolvedModel, "params">,
  content: Pick<GgufModel, "contextLength" | "traits">,
  config: Config["coordinator"],
  wish: ShapeWish = {},
): LaunchShape {
  const contextSize = wish.contextSize ?? contextSizeOf(model, content, config);
  const { pooling } = content.traits;
  return {
    contextSize,
    slotCount: wish.slotCount ?? config.slots,
    kvType: wish.kvType ?? config.kvType,
    ubatchSize: isOneBatch(pooling) ? contextSize : config.ubatchSize,
    pooling,
  };
}

/** Only what pools the last token takes an input in several batches; all others need it whole. */
function isOneBatch(pooling: Pooling | undefined): boolean {
  return pooling !== undefined && pooling !== "last";
}

/** How a model is to be started where it was planned, with all options of the operator. */
export function toLaunch(
  model: ResolvedModel,
  shape: LaunchShape,
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
    batchSize: isOneBatch(shape.pooling) ? shape.ubatchSize : config.batchSize,
    ubatchSize: shape.ubatchSize,
    params: model.params,
    pooling: shape.pooling,
    extraArgs: config.extraArgs,
    transport: config.transport,
    loadTimeoutMs: config.loadTimeoutMs,
    enumerateTimeoutMs: config.startupWatchdogMs,
    logFile: { path: `${config.logDir}/${logFileName(model.key)}`, maxBytes: config.logMaxBytes },
  };
}
