import { type Deal, type Dealer, type Misfit, needsOf } from "./deal.ts";
import { holds } from "./fill.ts";
import type { LayerScale } from "./layer_scale.ts";
import { leastMisfit } from "./least_misfit.ts";
import { partitionUnits } from "./partition.ts";
import type { Room } from "./room.ts";
import { roomiest } from "./room_order.ts";
import { misfitOf } from "./settled_misfit.ts";

/** The same number of layers to each device of all backends, give or take one. */
export const evenDealer: Dealer = {
  deal(scale, rooms): Deal | Misfit {
    const used = roomiest(scale, rooms);
    const counts = countsThatFit(scale, used);
    if (counts) return { rooms: used, counts, reasons: leftOutReasons(rooms, used) };
    if (used.length === 0) return leastMisfit(scale, used);
    return misfitOf(scale, used, evenCounts(scale.unitCount, used.length));
  },
  canDeal(scale, rooms): boolean {
    return countsThatFit(scale, roomiest(scale, rooms)) !== undefined;
  },
};

function countsThatFit(scale: LayerScale, rooms: readonly Room[]): number[] | undefined {
  if (rooms.length === 0) return undefined;
  const counts = partitionUnits({
    unitCount: scale.unitCount,
    needBytes: (...range) => scale.needWithin(...range),
    rooms,
    counts: {
      least: Math.floor(scale.unitCount / rooms.length),
      most: Math.ceil(scale.unitCount / rooms.length),
    },
  });
  return counts && holds(rooms, needsOf(scale, counts)) ? counts : undefined;
}

/** As llama.cpp deals equal shares: the first ones get one more. */
function evenCounts(unitCount: number, roomCount: number): number[] {
  return Array.from(
    { length: roomCount },
    (_, index) => Math.ceil((index + 1) * unitCount / roomCount) - Math.ceil(index * unitCount / roomCount),
  );
}

function leftOutReasons(rooms: readonly Room[], used: readonly Room[]): string[] {
  if (rooms.length === used.length) return [];
  return [
    `${used.length} of ${rooms.length} devices are used: each needs a layer, and llama.cpp takes no more shares`,
  ];
}
