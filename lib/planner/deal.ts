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
  /** What is missing, in the pieces that there are: may be more than all that they need less all that they have. */
  readonly missingBytes: number;
  /** What the figures are of. */
  readonly rooms: readonly Room[];
  /** Which of several rooms is to have what is missing, where that is one. */
  readonly place?: string | undefined;
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
