import type { Config } from "../config/config.ts";
import { GatewayError } from "../errors.ts";
import type { GgufModel } from "../gguf/model_info.ts";
import { ONLY_OLLAMA_ADVICE } from "../gguf/stock_compatibility.ts";
import type { ResolvedModel } from "../ollama/resolved_model.ts";
import { explicitLayerCount } from "../planner/deal_explicit.ts";
import type { PlanStrategy } from "../planner/plan_input.ts";
import { planSurveys, type SurveyPlan, type SurveyPlanRequest } from "../planner/plan_surveys.ts";
import { type PlanResult, planWhole } from "../planner/plan.ts";
import type { HostRoom } from "../planner/place_whole.ts";
import { leftOutNote, noBackend, type Survey } from "../planner/survey.ts";
import { ramOf } from "../registry/backend_devices.ts";
import { readAvailableMemory, type ReadHostMemory } from "../registry/host_memory.ts";
import { THIS_HOST } from "../registry/identity.ts";
import { openGguf } from "../store/gguf_file.ts";
import type { GgufHeaderCache } from "../store/gguf_header_cache.ts";
import { type LaunchShape, shapeOf, type ShapeWish } from "./plan_launch.ts";

/** What is known for longer is asked again before a plan: memory changes faster than health, ms. */
export const PLAN_FRESH_MS = 2_000;

/** What earlier loads taught. */
export interface LoadHistory {
  /**
   * By how much the estimate of this architecture's compute buffers is to be multiplied; 1 if nothing is known.
   *
   * @param build Of llama.cpp, such as `b11669`; `undefined` for whatever ran before.
   */
  computeCorrection(architecture: string, build: string | undefined): number;
  /** How many bytes a second reached a backend; `undefined` if nothing is known. */
  bytesPerSecond(endpoint: string): number | undefined;
}

/** Nothing was ever loaded. */
export const NO_HISTORY: LoadHistory = { computeCorrection: () => 1, bytesPerSecond: () => undefined };

/** What is asked for instead of what the config says. */
export interface PlanWish extends ShapeWish {
  /** How layers are dealt. */
  readonly strategy?: PlanStrategy | undefined;
  /** The llama.cpp build that will run it, such as `b11669`, where known. */
  readonly build?: string | undefined;
}

/** What a model is run with, and where it can go. */
export interface ModelPlans {
  /** What it is run with. */
  readonly shape: LaunchShape;
  /** What fits comes first. */
  readonly plans: readonly [SurveyPlan, ...SurveyPlan[]];
}

/** What a model is run with, and whether this host has room for all of it. */
export interface WholePlan extends Pick<ModelPlans, "shape"> {
  /** Where it goes, or what is missing. */
  readonly result: PlanResult;
}

/** Plans models by the config, the models' own files and what earlier loads taught. */
export class ModelPlanner {
  /** What this host had left when a model was read last. */
  #hostFreeBytes: number | undefined;

  /** `headers` saves reading a model's header again. */
  constructor(
    private readonly config: Pick<Config, "coordinator" | "rpc">,
    private readonly headers: GgufHeaderCache,
    private readonly history: LoadHistory,
    private readonly readHostMemory: ReadHostMemory = readAvailableMemory,
  ) {}

  /**
   * Reads what a model's file says of it, and how much memory its coordinator would find here.
   *
   * @throws {GatewayError} `model_unusable` if it cannot be read, is no model, or is one that only Ollama loads.
   * @throws The signal's reason.
   */
  async read(model: ResolvedModel, signal: AbortSignal): Promise<GgufModel> {
    const { model: content } = await openGguf(model.modelPath, { signal, cache: this.headers });
    this.#hostFreeBytes = await this.readHostMemory();
    if (content.kind !== "model") {
      const message =
        `Cannot serve "${model.name}": its file is a ${content.kind}, not a model; pull the model itself`;
      throw new GatewayError("model_unusable", message);
    }
    if (content.foreignness === undefined) return content;
    const message =
      `Cannot serve "${model.name}" with llama-server: ${content.foreignness}; ${ONLY_OLLAMA_ADVICE}`;
    throw new GatewayError("model_unusable", message);
  }

  /**
   * Plans a model over each survey. Waits for nothing: a lease can follow in the same step.
   *
   * @throws {GatewayError} `backend_unreachable` or `no_capacity` if no backend can be used; as `planModel` does.
   */
  plan(
    model: ResolvedModel,
    content: GgufModel,
    surveys: readonly Survey[],
    wish: PlanWish = {},
  ): ModelPlans {
    const { coordinator, rpc } = this.config;
    const shape = shapeOf(model, content, coordinator, wish);
    const [best, ...others] = this.#planAll(surveys, content, wish, {
      name: model.name,
      content,
      shape,
      reserveBytes: rpc.reserveBytes,
      computeCorrection: this.history.computeCorrection(content.architecture, wish.build),
      bytesPerSecondOf: (endpoint) => this.history.bytesPerSecond(endpoint),
      hostMemoryKey: ramOf(THIS_HOST),
      hostFreeBytes: this.#hostFreeBytes,
    });
    if (best) return { shape, plans: [best, ...others] };
    throw noBackend(model.name, surveys[0] ?? { leftOut: [] });
  }

  /**
   * Plans a whole model onto one host, this one. What loads over rpc backends taught is not used. Waits for nothing.
   *
   * @throws {GatewayError} `model_unusable` if it has no layers, or cannot be run as the configuration says;
   *   `invalid_request` if it cannot be run as was wished.
   */
  planWhole(
    model: ResolvedModel,
    content: GgufModel,
    room: Omit<HostRoom, "reserveBytes">,
    wish: PlanWish = {},
  ): WholePlan {
    const { coordinator, rpc: { reserveBytes } } = this.config;
    const shape = shapeOf(model, content, coordinator, wish);
    try {
      const result = planWhole({ name: model.name, content, shape, room: { ...room, reserveBytes } });
      return { shape, result };
    } catch (error) {
      throw blame(error, wish, []);
    }
  }

  /** The configuration's explicit layers are meant for models of that many; others are placed by memory. */
  #planAll(
    surveys: readonly Survey[],
    content: GgufModel,
    wish: PlanWish,
    request: Omit<SurveyPlanRequest, "strategy">,
  ): SurveyPlan[] {
    if (wish.strategy !== undefined) return planSurveys(surveys, { ...request, strategy: wish.strategy });
    const { placement } = this.config.coordinator;
    const isForOthers = (explicitLayerCount(placement) ?? content.blockCount) !== content.blockCount;
    try {
      return planSurveys(surveys, { ...request, strategy: isForOthers ? "auto" : placement });
    } catch (error) {
      throw blame(error, wish, surveys);
    }
  }
}

/** Whoever asks for what cannot be done is told so: the client, or else the operator. */
function blame(error: unknown, wish: PlanWish, surveys: readonly Survey[]): unknown {
  const isAsked = wish.contextSize !== undefined || wish.slotCount !== undefined;
  return error instanceof GatewayError && error.code === "invalid_request" && !isAsked
    ? operatorsMistake(error, surveys)
    : error;
}

/** What the configuration says cannot be done is no fault of the client's request. */
function operatorsMistake(error: GatewayError, surveys: readonly Survey[]): GatewayError {
  const leftOut = surveys.flatMap((survey) => survey.leftOut);
  const message = `${error.message}. The configuration's coordinator section asks for that` +
    leftOutNote({ leftOut: surveys[0]?.leftOut ?? [] });
  return new GatewayError(leftOut.length > 0 ? "no_capacity" : "model_unusable", message, { cause: error });
}
