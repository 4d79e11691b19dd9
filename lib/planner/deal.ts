import type { LayerScale } from "./layer_scale.ts";
import type { Room } from "./room.ts";

/** Units dealt to rooms. */
export interface Deal {
  /** In the order of their layers. */
  readonly rooms: readonly Room[];
  /** Units of each room, the output layer counted as one; some may get none. */
  readonly counts: readonly number[];
  /** Sentences about how it was dealt. */
  readonly reasons: readonly string[];
}

/** Why units cannot be dealt. */
export interface Misfit {
  /** What all units need, with what each room needs beside them. */
  readonly needBytes: number;
  /** What the rooms have. */
  readonly freeBytes: number;
  /** What is missing. */
  readonly missingBytes: number;
  /** Which room is too small, where the units of each were settled; a part of a sentence. */
  readonly fault?: string | undefined;
}

/** A way to deal units. */
export interface Dealer {
  /** The deal, or why there is none. */
  deal(scale: LayerScale, rooms: readonly Room[]): Deal | Misfit;
  /** Whether there is a deal; faster than to find it. */
  canDeal(scale: LayerScale, rooms: readonly Room[]): boolean;
}

/** Bytes of each room's units. */
export function needsOf(scale: LayerScale, counts: readonly number[]): number[] {
  let start = 0;
  return counts.map((count) => {
    const needBytes = scale.needBytes(start, start + count);
    start += count;
    return needBytes;
  });
}
