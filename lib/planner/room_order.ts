import { MAX_TENSOR_SPLIT } from "../llama_server/args.ts";
import { type Fill, fillInOrder } from "./fill.ts";
import type { LayerScale } from "./layer_scale.ts";
import { allotBytes, type Room } from "./room.ts";

/** Rooms in an order in which the model fits. */
export interface FittingOrder {
  /** In the order of their layers. */
  readonly rooms: readonly Room[];
  /** How it fits. */
  readonly fill: Fill;
}

/** At most this many devices hold something: each needs a layer, and llama.cpp takes no more shares. */
export function maxDeviceCount(scale: LayerScale): number {
  return Math.min(scale.unitCount, MAX_TENSOR_SPLIT);
}

/** The rooms with most to offer, in their own order, if there are more than can be used. */
export function roomiest(scale: LayerScale, rooms: readonly Room[]): readonly Room[] {
  const limit = maxDeviceCount(scale);
  if (rooms.length <= limit) return rooms;
  const allotted = allotBytes(rooms);
  const chosen = rooms.map((_, index) => index).toSorted((a, b) => allotted[b]! - allotted[a]!);
  const kept = new Set(chosen.slice(0, limit));
  return rooms.filter((_, index) => kept.has(index));
}

/** The rooms as they are, if the model fits so. */
export function fitAsListed(scale: LayerScale, rooms: readonly Room[]): FittingOrder | undefined {
  const fill = fillInOrder(scale, rooms);
  return fill.placedCount === scale.unitCount ? { rooms, fill } : undefined;
}

/**
 * The rooms as they are, or else in another order of their backends: heavy layers or the output layer may want a large
 * room at another place. Not each order is tried; the devices of a backend stay together, or there were more hops.
 */
export function fitInAnyOrder(scale: LayerScale, rooms: readonly Room[]): FittingOrder | undefined {
  const fitting = fitAsListed(scale, rooms);
  if (fitting) return fitting;
  const bytes = allotBytes(rooms).reduce((sum, room) => sum + room, 0);
  if (bytes < scale.needBytes(0, scale.unitCount)) return undefined;
  for (const order of otherOrders(rooms)) {
    const other = fitAsListed(scale, order);
    if (other) return other;
  }
  return undefined;
}

/**
 * The largest device alone, as a whole model needs less than its parts; the largest backend at the end, where the
 * output layer is; then all from small to large, and back.
 */
function* otherOrders(rooms: readonly Room[]): Generator<Room[]> {
  yield rooms.toSorted((a, b) => b.bytes - a.bytes).slice(0, 1);
  const groups = [...Map.groupBy(rooms, ({ backend }) => backend).values()];
  if (groups.length < 2) return;
  const ascending = groups.toSorted((a, b) => bytesOf(a) - bytesOf(b));
  const largest = ascending.at(-1)!;
  yield [...groups.filter((group) => group !== largest).flat(), ...largest];
  yield ascending.flat();
  yield ascending.toReversed().flat();
}

function bytesOf(rooms: readonly Room[]): number {
  return rooms.reduce((sum, { bytes }) => sum + bytes, 0);
}
