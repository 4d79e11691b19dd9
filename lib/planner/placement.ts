import { GatewayError } from "../errors.ts";
import type { ModelWeights } from "../gguf/weights.ts";
import { MAX_TENSOR_SPLIT } from "../llama_server/args.ts";
import { formatBytes } from "../units.ts";
import { partitionUnits } from "./partition.ts";

/** What a placement must know of a model. */
export interface PlanModel {
  /** For sentences. */
  readonly name: string;
  /** Transformer blocks. */
  readonly blockCount: number;
  /** Bytes of each layer, of the output layer, and of what every device holds a copy of. */
  readonly weights: Pick<ModelWeights, "perLayerBytes" | "outputBytes" | "otherBytes">;
  /** Bytes of the KV cache of each layer, for all slots; it lies where the layer lies. Default none. */
  readonly perLayerKvBytes?: readonly number[] | undefined;
  /** Bytes that each device needs beside its layers, for computing. Default none. */
  readonly computeBytes?: number | undefined;
}

/** A device of an rpc backend, as its probe told it. */
export interface PlanDevice {
  /** `host:port`. */
  readonly endpoint: string;
  /** Index within the endpoint, from 0. */
  readonly deviceIndex: number;
  /** What is planned with. */
  readonly freeBytes: number;
  /** For people; others may hold some of it. */
  readonly totalBytes: number;
}

/** How layers are dealt: by free memory, or the same number to each. */
export type PlanStrategy = "auto" | "even";

/** A device, and the layers that it gets. */
export interface PlacedDevice {
  /** `host:port`. */
  readonly endpoint: string;
  /** Index within the endpoint, from 0. */
  readonly deviceIndex: number;
  /** llama.cpp's global name: `RPC0`. */
  readonly name: string;
  /** Its lowest layer, and how many follow it; none if it holds only the output layer. */
  readonly firstLayer: number;
  /** Without the output layer. */
  readonly layerCount: number;
  /** Whether the output layer is here, too. */
  readonly hasOutput: boolean;
  /** What its layers weigh. */
  readonly weightBytes: number;
  /** Weights, KV cache and compute buffer together. */
  readonly needBytes: number;
  /** Before the model is loaded. */
  readonly freeBytes: number;
}

/** Which layers go where, and how to tell llama.cpp. */
export interface Placement {
  /** In the order of their layers; only those that hold something. */
  readonly devices: readonly PlacedDevice[];
  /** For `--rpc`, in order; only backends that hold something. */
  readonly endpoints: readonly string[];
  /** For `-ts`: layers of each device, the output layer counted as one. */
  readonly tensorSplit: readonly number[];
  /** Why, one sentence for a person. */
  readonly because: string;
}

/**
 * Spreads a model over rpc devices: contiguous layers in the order of the devices, in proportion to free memory,
 * at least one for each device if memory allows. Pure.
 *
 * @param devices All devices of each backend, in the order of their index: llama.cpp numbers through all of them.
 * @throws {GatewayError} `insufficient_memory` if no split fits; `no_capacity` if there is no device.
 */
export function planPlacement(
  model: PlanModel,
  devices: readonly PlanDevice[],
  { strategy = "auto" }: { strategy?: PlanStrategy } = {},
): Placement {
  if (devices.length === 0) {
    throw new GatewayError(
      "no_capacity",
      `Cannot place "${model.name}": no rpc backend is free; start one or wait`,
    );
  }
  const candidates = chooseCandidates(devices, model.blockCount);
  const { perDeviceBytes, unitBytes } = weighUnits(model);
  const counts = partitionUnits({
    unitBytes,
    roomBytes: candidates.map(({ freeBytes }) => freeBytes - perDeviceBytes),
    evenly: strategy === "even",
  });
  if (!counts) throw insufficient(model, candidates, unitBytes, perDeviceBytes);
  return describePlacement(model, devices, candidates, counts, strategy);
}

/** The roomiest, if there are more than layers to deal or than llama.cpp takes; in their own order. */
function chooseCandidates(devices: readonly PlanDevice[], blockCount: number): PlanDevice[] {
  const limit = Math.min(blockCount + 1, MAX_TENSOR_SPLIT);
  const chosen = new Set(devices.toSorted((a, b) => b.freeBytes - a.freeBytes).slice(0, limit));
  return devices.filter((device) => chosen.has(device));
}

/** Bytes of each layer and of the output layer, and what every device needs anyway. */
function weighUnits(model: PlanModel): { unitBytes: number[]; perDeviceBytes: number } {
  const { perLayerBytes, outputBytes, otherBytes } = model.weights;
  const layers = Array.from(
    { length: model.blockCount },
    (_, layer) => (perLayerBytes[layer] ?? 0) + (model.perLayerKvBytes?.[layer] ?? 0),
  );
  return { unitBytes: [...layers, outputBytes], perDeviceBytes: otherBytes + (model.computeBytes ?? 0) };
}

function describePlacement(
  model: PlanModel,
  devices: readonly PlanDevice[],
  candidates: readonly PlanDevice[],
  counts: readonly number[],
  strategy: PlanStrategy,
): Placement {
  const used = candidates.filter((_, index) => counts[index]! > 0);
  const tensorSplit = counts.filter((count) => count > 0);
  const endpoints = [...new Set(used.map(({ endpoint }) => endpoint))];
  const nameOf = deviceNamer(devices, endpoints);
  let next = 0;
  const placed = used.map((device, index): PlacedDevice => {
    const firstLayer = next;
    next += tensorSplit[index]!;
    const hasOutput = next > model.blockCount;
    const layerCount = tensorSplit[index]! - (hasOutput ? 1 : 0);
    const bytes = weighRange(model, firstLayer, layerCount, hasOutput);
    return { ...pick(device), name: nameOf(device), firstLayer, layerCount, hasOutput, ...bytes };
  });
  return { devices: placed, endpoints, tensorSplit, because: explain(model, placed, endpoints, strategy) };
}

function pick({ endpoint, deviceIndex, freeBytes }: PlanDevice): Omit<PlanDevice, "totalBytes"> {
  return { endpoint, deviceIndex, freeBytes };
}

function weighRange(
  { weights, perLayerKvBytes = [], computeBytes = 0 }: PlanModel,
  firstLayer: number,
  layerCount: number,
  hasOutput: boolean,
): { weightBytes: number; needBytes: number } {
  const range = [firstLayer, firstLayer + layerCount] as const;
  const output = hasOutput ? weights.outputBytes : 0;
  const weightBytes = sum(weights.perLayerBytes.slice(...range)) + output + weights.otherBytes;
  return { weightBytes, needBytes: weightBytes + sum(perLayerKvBytes.slice(...range)) + computeBytes };
}

/** Numbers go through all devices of the backends in `--rpc`, also through those that get no layer. */
function deviceNamer(
  devices: readonly PlanDevice[],
  endpoints: readonly string[],
): (device: PlanDevice) => string {
  const firstNumbers = new Map<string, number>();
  let number = 0;
  for (const endpoint of endpoints) {
    firstNumbers.set(endpoint, number);
    number += devices.filter((device) => device.endpoint === endpoint).length;
  }
  return ({ endpoint, deviceIndex }) => `RPC${firstNumbers.get(endpoint)! + deviceIndex}`;
}

function explain(
  model: PlanModel,
  placed: readonly PlacedDevice[],
  endpoints: readonly string[],
  strategy: PlanStrategy,
): string {
  const shares = placed.map(({ endpoint, layerCount, hasOutput }) => {
    const parts = [...(layerCount > 0 ? [layerCount] : []), ...(hasOutput ? ["the output layer"] : [])];
    return `${parts.join(" and ")} on ${endpoint}`;
  });
  const how = strategy === "even" ? "evenly" : "in proportion to free memory";
  const backends = endpoints.length === 1 ? "1 rpc backend" : `${endpoints.length} rpc backends`;
  return `${model.blockCount} layers of "${model.name}" over ${backends} ${how}: ${shares.join(", ")}`;
}

function insufficient(
  model: PlanModel,
  devices: readonly PlanDevice[],
  unitBytes: readonly number[],
  perDeviceBytes: number,
): GatewayError {
  const needBytes = sum(unitBytes) + perDeviceBytes;
  const freeBytes = sum(devices.map((device) => device.freeBytes));
  const where = devices.length === 1 ? "1 rpc device has" : `${devices.length} rpc devices have`;
  const why = needBytes > freeBytes
    ? ""
    : `, but no split by whole layers fits (the largest takes ${formatBytes(Math.max(...unitBytes))}, ` +
      `and each device ${formatBytes(perDeviceBytes)} beside its layers)`;
  return new GatewayError(
    "insufficient_memory",
    `Cannot place "${model.name}": needs ${formatBytes(needBytes)}, ${where} ${
      formatBytes(freeBytes)
    } free${why}; ` +
      "add a backend, lower the context size or choose a smaller quantisation",
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
