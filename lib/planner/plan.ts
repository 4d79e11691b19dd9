import type { GgufModel } from "../gguf/model_info.ts";
import { type PlanModel, weighModel } from "./model_need.ts";
import { type HostRoom, placeWhole } from "./place_whole.ts";
import { type Placement, type PlacementOptions, planPlacement } from "./placement.ts";
import type { PlanBackend, PlanShape } from "./plan_input.ts";
import { InsufficientMemoryError, type Shortage } from "./shortage.ts";

/** All that a plan is made from. */
export interface PlanRequest extends PlacementOptions {
  /** The model's name, for sentences. */
  readonly name: string;
  /** What its file says. */
  readonly content: GgufModel;
  /** What it is to be run with. */
  readonly shape: PlanShape;
  /** What may be planned onto, in the order of the registry. */
  readonly backends: readonly PlanBackend[];
  /** How far earlier loads of this architecture were off: real compute bytes by estimated ones. Default 1. */
  readonly computeCorrection?: number | undefined;
}

/** Where a model goes, or what is missing. */
export type PlanResult =
  | {
    readonly fits: true;
    /** What was planned. */
    readonly model: PlanModel;
    /** Where it goes. */
    readonly placement: Placement;
  }
  | {
    readonly fits: false;
    /** What was planned. */
    readonly model: PlanModel;
    /** What is missing, and what would fit. */
    readonly shortage: Shortage;
    /** The same for a person. */
    readonly message: string;
  };

/**
 * Plans a model: weighs it and places it. Not fitting is a result; {@linkcode requirePlacement} makes it an error.
 *
 * @throws {GatewayError} `model_unusable`, `invalid_request` or `no_capacity`: nothing could be planned at all.
 */
export function planModel(request: PlanRequest): PlanResult {
  const { name, content, shape, backends, computeCorrection, ...options } = request;
  const model = weighModel(name, content, shape, { computeCorrection });
  return resultOf(model, () => planPlacement(model, backends, options));
}

/** All that a plan for one host is made from. */
export interface WholePlanRequest extends Pick<PlanRequest, "name" | "content" | "shape"> {
  /** What the host has. */
  readonly room: HostRoom;
}

/**
 * Plans a model onto one host, all of it. Not fitting is a result.
 *
 * @throws {GatewayError} `model_unusable` or `invalid_request`: nothing could be planned at all.
 */
export function planWhole({ name, content, shape, room }: WholePlanRequest): PlanResult {
  const model = weighModel(name, content, shape);
  return resultOf(model, () => placeWhole(model, content, room));
}

function resultOf(model: PlanModel, place: () => Placement): PlanResult {
  try {
    return { fits: true, model, placement: place() };
  } catch (error) {
    if (!(error instanceof InsufficientMemoryError)) throw error;
    return { fits: false, model, shortage: error.shortage, message: error.message };
  }
}

/**
 * The placement of a plan.
 *
 * @throws {InsufficientMemoryError} If it does not fit.
 */
export function requirePlacement(result: PlanResult): Placement {
  if (result.fits) return result.placement;
  throw new InsufficientMemoryError(result.shortage, result.message);
}
