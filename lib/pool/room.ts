import { chooseEvictions, type EvictionCandidate, type EvictionNeed } from "./choose_evictions.ts";

/** A coordinator that holds rpc backends, as one that needs room sees it. */
export interface RoomHolder extends EvictionCandidate {
  /** Whether it is never stopped for others. */
  readonly isPinned: boolean;
  /** Whether requests are in flight. */
  readonly isBusy: boolean;
  /** From when on it has to make room, ms of the monotonic clock; `Infinity` if that cannot be known yet. */
  readonly mayGoAtMs: number;
}

/** Where room for a model is to come from. */
export type Room<H> =
  /** Nobody has to go. */
  | { readonly kind: "free" }
  /** These have to go. */
  | { readonly kind: "held"; readonly holders: readonly H[]; readonly because: string }
  /** Without these, nobody's going is enough. */
  | { readonly kind: "pinned"; readonly holders: readonly H[] }
  /** Not even what all of them hold is enough: somebody is about to give rpc backends back, or to take them. */
  | { readonly kind: "unknown" };

/**
 * Finds out who has to go so that a model gets its place: those who may go soonest, and who are idle rather than in
 * use; among as many of them as are needed, the cheapest.
 */
export function findRoom<H extends RoomHolder>(
  holders: readonly H[],
  need: EvictionNeed,
  nowMs: number,
): Room<H> {
  const movable = holders.filter(({ isPinned }) => !isPinned).toSorted((a, b) => bySoonest(a, b, nowMs));
  for (let count = 0; count <= movable.length; count++) {
    const next = movable[count];
    if (count > 0 && next && bySoonest(movable[count - 1]!, next, nowMs) === 0) continue; // they go as soon as each other
    const found = chooseEvictions(movable.slice(0, count), need);
    if (found?.evicted.length === 0) return { kind: "free" };
    if (found) return { kind: "held", holders: found.evicted, because: found.because };
  }
  const pinned = holders.filter(({ isPinned }) => isPinned);
  const isPinTheReason = pinned.length > 0 && chooseEvictions(holders, need) !== undefined;
  return isPinTheReason ? { kind: "pinned", holders: pinned } : { kind: "unknown" };
}

function bySoonest(a: RoomHolder, b: RoomHolder, nowMs: number): number {
  const [aMs, bMs] = [Math.max(a.mayGoAtMs, nowMs), Math.max(b.mayGoAtMs, nowMs)];
  return aMs === bMs ? Number(a.isBusy) - Number(b.isBusy) : aMs - bMs;
}
