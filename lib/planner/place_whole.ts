import type { GgufModel } from "../gguf/model_info.ts";
import { formatBytes } from "../units.ts";
import { batchOf } from "./batch.ts";
import { largestThat } from "./bisect.ts";
import { LayerScale, type RangeBytes } from "./layer_scale.ts";
import type { PlanModel } from "./model_need.ts";
import type { PlacedDevice, Placement } from "./placement.ts";
import { InsufficientMemoryError, type Shortage } from "./shortage.ts";
import { adviceOf, contextOf, roundUp } from "./shortage_advice.ts";
import { suggest } from "./suggest.ts";

/** One memory of a host: its RAM, or that of a GPU. */
export interface HostMemory {
  /** As llama.cpp names the device that computes in it: `CPU`, `CUDA0`. */
  readonly name: string;
  /** What it could still give, bytes. */
  readonly freeBytes: number;
}

/** What a host has for a model that runs there whole. */
export interface HostRoom {
  /** How sentences and reports name the host. */
  readonly place: string;
  /** All that llama.cpp would use together; empty if nobody knows, and then every model fits. */
  readonly memories: readonly HostMemory[];
  /** Bytes of each memory that are not planned with. */
  readonly reserveBytes: number;
  /** Bytes of what is loaded beside the model: projectors and adapters. */
  readonly besideBytes: number;
  /** The name of the model that has to be stopped for that; its memory counts as free. */
  readonly without?: string | undefined;
}

/** Embeddings come thrice: of the tokens, and two for batches that mix tokens with images. One is an rpc device's, too. */
const FURTHER_EMBEDDINGS = 2;

/**
 * Puts a whole model on one host. llama.cpp itself fits it to the devices that it finds there, so memory counts all
 * together. Pure.
 *
 * @param content What the model's file says of it.
 * @throws {InsufficientMemoryError} `insufficient_memory` if it does not fit; it carries the shortage.
 */
export function placeWhole(model: PlanModel, content: GgufModel, room: HostRoom): Placement {
  const need = wholeNeed(model, content, room);
  const usableBytes = usableBytesOf(room);
  if (need.needBytes > usableBytes) {
    throw tooLarge(
      model,
      need.needBytes,
      room,
      (other) => wholeNeed(other, content, room).needBytes <= usableBytes,
    );
  }
  const freeBytes = room.memories.length === 0 ? need.needBytes : freeBytesOf(room);
  const { name, blockCount } = model;
  const ofFree = room.memories.length === 0 ? "" : ` of ${formatBytes(freeBytes)} free`;
  const device: PlacedDevice = {
    ...{ endpoint: room.place, deviceIndex: 0, name: namesOf(room), deviceName: undefined },
    kind: room.memories.length > 1 ? "gpu" : "cpu",
    ...{ firstLayer: 0, layerCount: blockCount, hasOutput: true },
    ...need,
    freeBytes,
    freeAfterBytes: freeBytes - need.needBytes,
  };
  return {
    devices: [device],
    endpoints: [],
    tensorSplit: [],
    hostBytes: need.needBytes,
    loadMs: undefined,
    because: `"${name}" runs whole on ${room.place}: ${countOf(blockCount, "layer")}, ` +
      formatBytes(need.needBytes) + ofFree,
    reasons: [],
  };
}

/** Bytes that a model takes where all of it is, and nothing is sent over a network. */
function wholeNeed(
  model: PlanModel,
  content: GgufModel,
  { besideBytes }: Pick<HostRoom, "besideBytes">,
): RangeBytes {
  const scale = new LayerScale(model);
  const layers = scale.weigh(0, scale.unitCount);
  const weightBytes = layers.weightBytes + model.embeddingBytes - copiedBytes(content) + besideBytes;
  const { hiddenBytes } = batchOf(content, model.shape);
  const computeBytes = layers.computeBytes + FURTHER_EMBEDDINGS * hiddenBytes;
  const { kvBytes } = layers;
  return { weightBytes, kvBytes, computeBytes, needBytes: weightBytes + kvBytes + computeBytes };
}

/** A tied embedding, of which a device with the output layer would need a copy of its own. */
function copiedBytes({ weights }: GgufModel): number {
  const { perLayerBytes, inputBytes, outputBytes, otherBytes, totalBytes, unloadedBytes } = weights;
  const partsBytes = perLayerBytes.reduce((sum, bytes) => sum + bytes, inputBytes + outputBytes + otherBytes);
  return Math.max(0, partsBytes - (totalBytes - unloadedBytes));
}

function tooLarge(
  model: PlanModel,
  needBytes: number,
  room: HostRoom,
  fits: (model: PlanModel) => boolean,
): InsufficientMemoryError {
  const freeBytes = usableBytesOf(room);
  const missingBytes = needBytes - freeBytes;
  const shortage: Shortage = {
    ...{ needBytes, freeBytes, missingBytes, fitsWithAuto: false },
    ...suggest(model, needBytes, (other, another) => another === undefined && fits(other)),
  };
  const slotCount = largestThat(
    1,
    model.shape.slotCount - 1,
    (count) => fits(model.reshape({ ...model.shape, slotCount: count })),
  );
  const advice = adviceOf(model, shortage, {
    fitting: slotCount > 0 ? [`with ${countOf(slotCount, "slot")}`] : [],
    helping: ["have it spread over rpc backends: model_sharding_enabled: true"],
  });
  return new InsufficientMemoryError(
    shortage,
    `Cannot run "${model.name}" whole on ${room.place}: needs ${formatBytes(needBytes)} with a context of ${
      contextOf(model.shape)
    } tokens, ${whatItHas(room)}; ${formatBytes(roundUp(missingBytes))} are missing. ${advice}`,
  );
}

function whatItHas(room: HostRoom): string {
  const { without, memories, reserveBytes } = room;
  const has = without === undefined ? "it has" : `without "${without}" it would have`;
  const where = memories.length > 1 ? ` on ${memories.map(({ name }) => name).join(", ")}` : "";
  const reserve = reserveBytes === 0
    ? ""
    : ` beside a reserve of ${formatBytes(reserveBytes)}${memories.length > 1 ? " each" : ""}`;
  return `${has} ${formatBytes(usableBytesOf(room))} free${where}${reserve}`;
}

/** What may be planned with. */
function usableBytesOf({ memories, reserveBytes }: HostRoom): number {
  if (memories.length === 0) return Infinity;
  return memories.reduce((sum, { freeBytes }) => sum + Math.max(freeBytes - reserveBytes, 0), 0);
}

function freeBytesOf({ memories }: HostRoom): number {
  return memories.reduce((sum, { freeBytes }) => sum + freeBytes, 0);
}

function namesOf({ memories }: HostRoom): string {
  return memories.map(({ name }) => name).join("+") || "CPU";
}

function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
