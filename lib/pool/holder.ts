import type { Pooled, PoolSettings } from "./pooled.ts";
import type { Resident } from "./resident.ts";
import type { RoomHolder } from "./room.ts";

/** A coordinator that holds what a model needs that waits for room. */
export interface Holder<C extends Pooled> extends RoomHolder {
  /** The same, with its life. */
  readonly resident: Resident<C>;
}

/** By what it is decided when a coordinator has to make room. */
export interface Terms {
  /** What the operator wants. */
  readonly settings: PoolSettings;
  /** Since when the model waits that needs the room, ms of the monotonic clock. */
  readonly waitsSinceMs: number;
  /** Whether requests wait for this model. */
  readonly isWaitedFor: (key: string) => boolean;
}

/** What a coordinator means to a model that waits for room. */
export function toHolder<C extends Pooled>(resident: Resident<C>, terms: Terms, nowMs: number): Holder<C> {
  const { key, endpoints, isPinned, life } = resident;
  const isGone = isGoing(resident);
  return {
    resident,
    key,
    endpoints,
    isPinned: isPinned && !isGone,
    isBusy: life !== undefined && !life.isIdle,
    mayGoAtMs: mayGoAtMs(resident, terms),
    loadMs: isGone ? 0 : life?.loadMs ?? 0,
    idleMs: life ? nowMs - life.usedMs : 0,
  };
}

/**
 * From when on a coordinator has to make room, ms of the monotonic clock; `Infinity` while it loads.
 *
 * Idle, it may go at once, but not before `minResidencyMs`. In use, or waited for, it is left alone until the other has
 * waited, and it has served, for as long as `swapWaitMs`, or as its own load took if that was longer.
 */
export function mayGoAtMs(
  resident: Resident<Pooled>,
  { settings, waitsSinceMs, isWaitedFor }: Terms,
): number {
  const { life, key } = resident;
  if (isGoing(resident)) return -Infinity;
  if (!life) return Infinity;
  const stayUntilMs = life.readyMs + settings.minResidencyMs;
  if (life.isIdle && !isWaitedFor(key)) return stayUntilMs;
  const patienceMs = Math.max(settings.swapWaitMs, life.loadMs);
  return Math.max(stayUntilMs, Math.max(waitsSinceMs, life.readyMs) + patienceMs);
}

/** Whether it ends, whoever else needs room. */
export function isGoing({ isStopping, drain, start }: Resident<Pooled>): boolean {
  return isStopping || drain?.kind === "for good" || start?.isClearingAway === true;
}
