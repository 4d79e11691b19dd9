import { largestThat } from "./bisect.ts";
import type { Misfit } from "./deal.ts";
import type { LayerScale } from "./layer_scale.ts";
import { allotBytes, placeOf, type Room } from "./room.ts";
import { fitInAnyOrder, type FittingOrder, roomiest } from "./room_order.ts";

/** How finely the missing bytes are searched for: parts of the most that can be missing. */
const STEP_COUNT = 4_096;

/**
 * Why units find no place, wherever they may go: the least that the largest device lacks, the others being as they are.
 * It was tried: with so much more the units fit.
 */
export function leastMisfit(scale: LayerScale, rooms: readonly Room[]): Misfit {
  const wholeBytes = scale.needBytes(0, scale.unitCount);
  const used = roomiest(scale, rooms);
  const allotted = allotBytes(used);
  const largest = used[allotted.indexOf(Math.max(...allotted))];
  if (!largest) return { needBytes: wholeBytes, freeBytes: 0, missingBytes: wholeBytes, rooms: [] };
  const freeBytes = sum(allotted);
  const { missingBytes, fitting } = enlargeUntilFit(scale, used, largest);
  const needBytes = sum(fitting.fill.needBytes);
  const place = used.length > 1 ? placeOf(largest.device, largest.backend) : undefined;
  return { needBytes, freeBytes, missingBytes, rooms: used, place };
}

/** At the latest it fits when the largest room holds all units alone. */
function enlargeUntilFit(
  scale: LayerScale,
  rooms: readonly Room[],
  largest: Room,
): { missingBytes: number; fitting: FittingOrder } {
  const mostBytes = scale.needBytes(0, scale.unitCount) - largest.bytes;
  const bytesOf = (steps: number): number => Math.ceil(mostBytes * steps / STEP_COUNT);
  const fitWith = (bytes: number): FittingOrder | undefined =>
    fitInAnyOrder(scale, enlarge(rooms, largest, bytes));
  const tooFew = largestThat(1, STEP_COUNT - 1, (steps) => fitWith(bytesOf(steps)) === undefined);
  const missingBytes = bytesOf(tooFew + 1);
  return { missingBytes, fitting: fitWith(missingBytes)! };
}

/** What a room shares with others grows with it. */
function enlarge(rooms: readonly Room[], largest: Room, extraBytes: number): Room[] {
  const larger = new Map(largest.budgets.map((budget) => [budget, { bytes: budget.bytes + extraBytes }]));
  return rooms.map((room) => ({
    ...room,
    bytes: room.bytes + (room === largest ? extraBytes : 0),
    budgets: room.budgets.map((budget) => larger.get(budget) ?? budget),
  }));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
