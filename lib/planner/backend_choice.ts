import type { LayerScale } from "./layer_scale.ts";
import { allotBytes, type Room } from "./room.ts";
import { fitAsListed, fitInAnyOrder, type FittingOrder, maxDeviceCount, roomiest } from "./room_order.ts";

/** Sets of one size are all tried up to this number; of more only those that promise most. */
const MAX_SET_COUNT = 130;

/**
 * The fewest backends that the model fits on, each one more being one more network hop; among as many, those with
 * most GPU devices, then those with most free memory. Devices that are no GPU are left out if the GPUs suffice.
 *
 * @returns `undefined` if it does not fit on all of them together.
 */
export function chooseBackends(scale: LayerScale, rooms: readonly Room[]): FittingOrder | undefined {
  const everything = fitInAnyOrder(scale, roomiest(scale, rooms));
  if (!everything) return undefined;
  const candidates = candidatesOf(rooms);
  const largest = candidates.toSorted((a, b) => b.bytes - a.bytes);
  const leastBytes = scale.needBytes(0, scale.unitCount);
  for (let size = 1; size <= Math.min(candidates.length, maxDeviceCount(scale)); size++) {
    if (bytesOf(largest.slice(0, size)) < leastBytes) continue;
    const chosen = chooseSet(scale, candidates, largest, size, leastBytes);
    if (chosen) return chosen;
  }
  return everything;
}

/** A backend, and what it offers beside all others. */
interface Candidate {
  readonly index: number;
  readonly rooms: readonly Room[];
  readonly bytes: number;
  readonly gpuCount: number;
}

/** Backends whose memory is not all promised to another on their host. */
function candidatesOf(rooms: readonly Room[]): Candidate[] {
  const allotted = allotBytes(rooms);
  const offered = rooms.map((room, index) => ({ room, bytes: allotted[index]! }));
  return [...Map.groupBy(offered, ({ room }) => room.backend).values()].map((offers, index) => ({
    index,
    rooms: offers.map(({ room }) => room),
    bytes: offers.reduce((sum, { bytes }) => sum + bytes, 0),
    gpuCount: offers.filter(({ room }) => room.device.kind === "gpu").length,
  })).filter(({ bytes }) => bytes > 0);
}

function chooseSet(
  scale: LayerScale,
  candidates: readonly Candidate[],
  largest: readonly Candidate[],
  size: number,
  leastBytes: number,
): FittingOrder | undefined {
  for (const set of setsOf(candidates, largest, size)) {
    if (bytesOf(set) < leastBytes) continue;
    const fitting = fitSet(scale, set);
    if (fitting) return fitting;
  }
  return fitInAnyOrder(scale, roomsOf(scale, largest.slice(0, size)));
}

function fitSet(scale: LayerScale, set: readonly Candidate[]): FittingOrder | undefined {
  const rooms = roomsOf(scale, set);
  const gpus = rooms.filter(({ device }) => device.kind === "gpu");
  const isMixed = gpus.length > 0 && gpus.length < rooms.length;
  return (isMixed ? fitAsListed(scale, gpus) : undefined) ?? fitAsListed(scale, rooms);
}

function roomsOf(scale: LayerScale, set: readonly Candidate[]): readonly Room[] {
  return roomiest(scale, set.toSorted((a, b) => a.index - b.index).flatMap(({ rooms }) => rooms));
}

/** Sets of so many, the preferred ones first. */
function setsOf(
  candidates: readonly Candidate[],
  largest: readonly Candidate[],
  size: number,
): readonly (readonly Candidate[])[] {
  if (setCount(candidates.length, size) <= MAX_SET_COUNT) {
    return subsets(candidates, size).toSorted(byPreference);
  }
  const preferred = candidates.toSorted((a, b) => b.gpuCount - a.gpuCount || b.bytes - a.bytes);
  return Array.from({ length: size + 1 }, (_, rest) => {
    const first = preferred.slice(0, size - rest);
    return [...first, ...largest.filter((candidate) => !first.includes(candidate)).slice(0, rest)];
  });
}

function byPreference(a: readonly Candidate[], b: readonly Candidate[]): number {
  return gpuCountOf(b) - gpuCountOf(a) || bytesOf(b) - bytesOf(a);
}

/** `n` over `k`. */
function setCount(n: number, k: number): number {
  let count = 1;
  for (let taken = 0; taken < k; taken++) count = count * (n - taken) / (taken + 1);
  return count;
}

function subsets<T>(items: readonly T[], size: number): T[][] {
  if (size === 0) return [[]];
  if (size > items.length) return [];
  return items.flatMap((item, index) =>
    subsets(items.slice(index + 1), size - 1).map((rest) => [item, ...rest])
  );
}

function bytesOf(set: readonly Candidate[]): number {
  return set.reduce((sum, { bytes }) => sum + bytes, 0);
}

function gpuCountOf(set: readonly Candidate[]): number {
  return set.reduce((sum, { gpuCount }) => sum + gpuCount, 0);
}
