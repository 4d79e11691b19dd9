import type { PlacementSetting } from "../config/placement_setting.ts";

/** What a model is to be run with; all that memory depends on beside the model itself. */
export interface PlanShape {
  /** Tokens of one slot. */
  readonly contextSize: number;
  /** Requests that are computed at once; each slot has a context of its own. */
  readonly slotCount: number;
  /** Type of the K and V cache in lower case, such as `f16` or `q8_0`. */
  readonly kvType: string;
  /** Tokens of a physical batch; `undefined` for llama.cpp's own 512. */
  readonly ubatchSize?: number | undefined;
}

/** A run of layers on one device. */
export interface LayerRange {
  /** Index of the lowest layer. */
  readonly firstLayer: number;
  /** Without the output layer; 0 if the device holds only that. */
  readonly layerCount: number;
  /** Whether the output layer is there, too. */
  readonly hasOutput: boolean;
}

/** A device that layers can be planned onto. */
export interface PlanDevice {
  /** `host:port` of its rpc backend. */
  readonly endpoint: string;
  /** Index within the backend, from 0. */
  readonly deviceIndex: number;
  /** GPUs are taken before CPUs. */
  readonly kind: "gpu" | "cpu";
  /** As ggml names it, for people; `undefined` if nobody told. */
  readonly name?: string | undefined;
  /** What is planned with, before the reserve is taken off. */
  readonly freeBytes: number;
  /** For people; others may hold some of it. */
  readonly totalBytes: number;
  /** Devices with the same key draw from the same memory: it counts once. */
  readonly memoryKey: string;
}

/** An rpc backend that layers can be planned onto: one network hop, however many devices. */
export interface PlanBackend {
  /** `host:port`. */
  readonly endpoint: string;
  /** Other spellings that lead to the same server. */
  readonly aliases?: readonly string[] | undefined;
  /** All of them, in the order of their index: llama.cpp numbers through all, also those that get no layer. */
  readonly devices: readonly PlanDevice[];
  /** Most bytes for all its devices together. */
  readonly memoryLimitBytes?: number | undefined;
  /** How fast weights reach it. */
  readonly bytesPerSecond?: number | undefined;
}

/**
 * How layers are dealt: onto the fewest backends that fit, in proportion to free memory (`auto`); the same number to
 * each device of all backends (`even`); or as the operator says, layers by endpoint (`host:port`, or `host:port/1` for
 * a device other than the first; in the order of the keys, the last one gets the output layer).
 */
export type PlanStrategy = PlacementSetting;
