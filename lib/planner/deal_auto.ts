import { chooseBackends } from "./backend_choice.ts";
import { type Deal, type Dealer, type Misfit, needsOf } from "./deal.ts";
import { divideBudgets, holds } from "./fill.ts";
import type { LayerScale } from "./layer_scale.ts";
import { leastMisfit } from "./least_misfit.ts";
import { partitionUnits } from "./partition.ts";
import { fitInAnyOrder, type FittingOrder, roomiest } from "./room_order.ts";

/** A layer takes a CPU several times as long as a GPU: one gets only what the GPUs have no room for. */
const CPU_RELUCTANCE = 1_000;

/** Onto the fewest backends that fit, their devices filled to the same degree; CPUs only with what is left over. */
export const autoDealer: Dealer = {
  deal(scale, rooms): Deal | Misfit {
    const chosen = chooseBackends(scale, rooms);
    return chosen ? balance(scale, chosen) : leastMisfit(scale, rooms);
  },
  canDeal(scale, rooms): boolean {
    return fitInAnyOrder(scale, roomiest(scale, rooms)) !== undefined;
  },
};

function balance(scale: LayerScale, { rooms, fill }: FittingOrder): Deal {
  const bytes = divideBudgets(rooms, fill.needBytes);
  const counts = partitionUnits({
    unitCount: scale.unitCount,
    needBytes: (...range) => scale.needWithin(...range),
    rooms: rooms.map(({ device }, index) => ({
      bytes: bytes[index]!,
      reluctance: device.kind === "cpu" ? CPU_RELUCTANCE : 1,
    })),
  });
  if (counts && holds(rooms, needsOf(scale, counts))) return { rooms, counts, reasons: [] };
  return { rooms, counts: fill.counts, reasons: [] };
}
