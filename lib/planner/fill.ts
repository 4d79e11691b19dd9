import { largestThat } from "./bisect.ts";
import type { LayerScale } from "./layer_scale.ts";
import { type Budget, bytesWithin, type Room, spend } from "./room.ts";

/** Units poured into rooms. */
export interface Fill {
  /** Units of each room, in the order of the rooms. */
  readonly counts: readonly number[];
  /** Bytes of these. */
  readonly needBytes: readonly number[];
  /** How many units found a room; all if the model fits. */
  readonly placedCount: number;
}

/**
 * Fills rooms one after another, each as far as it goes. If units fit into rooms of memories of their own in this
 * order at all, then so; a few bisections.
 */
export function fillInOrder(scale: LayerScale, rooms: readonly Room[]): Fill {
  const left = new Map<Budget, number>();
  const counts: number[] = [];
  const needs: number[] = [];
  const fits = (first: number, last: number, roomBytes: number): boolean =>
    scale.needWithin(first, last, roomBytes) <= roomBytes;
  let start = 0;
  for (const room of rooms) {
    const roomBytes = bytesWithin(room, left);
    const end = fits(start, scale.unitCount, roomBytes)
      ? scale.unitCount // asked first: a model that is on one device as a whole needs less, as nothing is passed on
      : largestThat(start + 1, scale.unitCount - 1, (last) => fits(start, last, roomBytes));
    const needBytes = scale.needBytes(start, end);
    spend(room, needBytes, left);
    counts.push(end - start);
    needs.push(needBytes);
    start = end;
  }
  return { counts, needBytes: needs, placedCount: start };
}

/**
 * Room for each, so that shared memory is divided: in the proportion of a fill that fits, which so fits again.
 * Memory that is enough for all who share it is not divided.
 */
export function divideBudgets(rooms: readonly Room[], needBytes: readonly number[]): number[] {
  const totals = new Map<Budget, { roomBytes: number; needBytes: number }>();
  rooms.forEach(({ bytes, budgets }, index) => {
    for (const budget of budgets) {
      const total = totals.get(budget) ?? { roomBytes: 0, needBytes: 0 };
      totals.set(budget, {
        roomBytes: total.roomBytes + bytes,
        needBytes: total.needBytes + needBytes[index]!,
      });
    }
  });
  return rooms.map(({ bytes, budgets }, index) => {
    const shares = budgets.map((budget) => {
      const total = totals.get(budget)!;
      if (total.roomBytes <= budget.bytes) return bytes;
      const need = needBytes[index]!;
      return need === 0 ? 0 : Math.max(need, Math.floor(budget.bytes * (need / total.needBytes)));
    });
    return Math.min(bytes, ...shares);
  });
}

/** Whether the rooms take these bytes, shared memory counted once. */
export function holds(rooms: readonly Room[], needBytes: readonly number[]): boolean {
  const left = new Map<Budget, number>();
  return rooms.every((room, index) => {
    const fits = needBytes[index]! <= bytesWithin(room, left);
    spend(room, needBytes[index]!, left);
    return fits;
  });
}
