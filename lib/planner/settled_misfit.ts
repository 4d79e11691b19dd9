import { formatBytes } from "../units.ts";
import { type Misfit, needsOf } from "./deal.ts";
import type { LayerScale } from "./layer_scale.ts";
import { type Budget, bytesWithin, placeOf, type Room, spend } from "./room.ts";

/** Why rooms do not hold counts of units that were settled beforehand: names the first that is too small. */
export function misfitOf(scale: LayerScale, rooms: readonly Room[], counts: readonly number[]): Misfit {
  const left = new Map<Budget, number>();
  const needs = needsOf(scale, counts);
  let [freeBytes, missingBytes] = [0, 0];
  let fault: string | undefined;
  rooms.forEach((room, index) => {
    const needBytes = needs[index]!;
    const roomBytes = Math.max(bytesWithin(room, left), 0);
    spend(room, Math.min(needBytes, roomBytes), left);
    freeBytes += roomBytes;
    if (needBytes <= roomBytes) return;
    missingBytes += needBytes - roomBytes;
    fault ??= `${placeOf(room.device, room.backend)} has ${formatBytes(roomBytes)} for a share of ${
      formatBytes(needBytes)
    }`;
  });
  const needBytes = needs.reduce((sum, bytes) => sum + bytes, 0);
  return { needBytes, freeBytes, missingBytes, rooms, fault };
}
