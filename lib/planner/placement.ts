import { GatewayError } from "../errors.ts";
import type { Dealer } from "./deal.ts";
import { autoDealer } from "./deal_auto.ts";
import { evenDealer } from "./deal_even.ts";
import { explicitDealer } from "./deal_explicit.ts";
import { describePlacement } from "./describe_placement.ts";
import { insufficientMemory } from "./insufficient_memory.ts";
import { LayerScale } from "./layer_scale.ts";
import type { PlanModel } from "./model_need.ts";
import type { LayerRange, PlanBackend, PlanDevice, PlanStrategy } from "./plan_input.ts";
import { reasonsOf } from "./placement_reasons.ts";
import { hostShareOf, surveyRooms } from "./room.ts";

/** A device, and the layers that it gets. */
export interface PlacedDevice extends LayerRange {
  /** `host:port`. */
  readonly endpoint: string;
  /** Index within the endpoint, from 0. */
  readonly deviceIndex: number;
  /** llama.cpp's global name: `RPC0`. */
  readonly name: string;
  /** As ggml names it on its own host: `CUDA0`; `undefined` if nobody told. */
  readonly deviceName: string | undefined;
  /** What it is. */
  readonly kind: PlanDevice["kind"];
  /** Its layers, the output layer if it is here, and its copy of the small shared tensors. */
  readonly weightBytes: number;
  /** The KV cache of its layers. */
  readonly kvBytes: number;
  /** Its compute buffer, as estimated. */
  readonly computeBytes: number;
  /** Weights, KV cache and compute buffer together. */
  readonly needBytes: number;
  /** Before the model is loaded. */
  readonly freeBytes: number;
  /** After it is loaded; what others of the plan take from the same memory is taken off, too. */
  readonly freeAfterBytes: number;
}

/** Which layers go where, how to tell llama.cpp, and why. */
export interface Placement {
  /** In the order of their layers; only those that hold something. */
  readonly devices: readonly PlacedDevice[];
  /** For `--rpc`, in order; only backends that hold something. */
  readonly endpoints: readonly string[];
  /** For `-ts`: layers of each device, the output layer counted as one. */
  readonly tensorSplit: readonly number[];
  /** What the memory of the coordinator's host must take: the embeddings, and for computing. */
  readonly hostBytes: number;
  /** How long the weights take to their backends, one after another; `undefined` if one's speed is unknown. */
  readonly loadMs: number | undefined;
  /** What goes where, one sentence for a person. */
  readonly because: string;
  /** Sentences for a person: why these backends, what was left out, what is kept free. */
  readonly reasons: readonly string[];
}

/** How layers are dealt, and what is known of the coordinator's host. */
export interface PlacementOptions {
  /** Default `auto`. */
  readonly strategy?: PlanStrategy | undefined;
  /** Bytes of each memory that are not planned with. Default 0. */
  readonly reserveBytes?: number | undefined;
  /** Key of the memory of the coordinator's host: what it takes itself is not planned with. Default no device's. */
  readonly hostMemoryKey?: string | undefined;
  /** Bytes that the coordinator's host has available; where they are too few, a reason says so. */
  readonly hostFreeBytes?: number | undefined;
}

/**
 * Spreads a model over rpc backends: contiguous layers, by default onto the fewest backends that fit, their devices
 * filled to the same degree. Pure.
 *
 * @throws {InsufficientMemoryError} `insufficient_memory` if it does not fit; it carries the shortage.
 * @throws {GatewayError} `no_capacity` if there is no backend; `invalid_request` if explicit layers make no sense.
 */
export function planPlacement(
  model: PlanModel,
  backends: readonly PlanBackend[],
  { strategy = "auto", reserveBytes = 0, hostMemoryKey, hostFreeBytes }: PlacementOptions = {},
): Placement {
  const survey = surveyRooms(backends, reserveBytes, hostShareOf(model, hostMemoryKey));
  if (backends.every(({ devices }) => devices.length === 0)) {
    throw new GatewayError(
      "no_capacity",
      `Cannot place "${model.name}": no rpc backend is free; start one or wait`,
    );
  }
  const scale = new LayerScale(model);
  const dealer = dealerOf(strategy, backends);
  const deal = dealer.deal(scale, survey.rooms);
  if ("missingBytes" in deal) {
    throw insufficientMemory(scale, deal, {
      backends,
      strategy,
      reserveBytes,
      dealer,
      survey,
      hostMemoryKey,
    });
  }
  const placement = describePlacement(scale, deal, strategy);
  return {
    ...placement,
    reasons: reasonsOf({ model, backends, survey, strategy, reserveBytes, hostFreeBytes, deal, placement }),
  };
}

function dealerOf(strategy: PlanStrategy, backends: readonly PlanBackend[]): Dealer {
  if (strategy === "auto") return autoDealer;
  return strategy === "even" ? evenDealer : explicitDealer(strategy.layers, backends);
}
