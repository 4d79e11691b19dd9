import { messageOf } from "../errors.ts";
import { formatDuration } from "../units.ts";
import type { CoordinatorLife } from "./life.ts";
import type { Pooled } from "./pooled.ts";
import { countOf } from "./refusals.ts";
import type { Resident } from "./resident.ts";
import type { Start } from "./start.ts";

/** How a model's coordinator is and why, now; to follow its name. */
export function becauseOf(resident: Resident<Pooled>, nowMs: number): string {
  const { state, start, life, because, isStopping, expiresAtMs, failures } = resident;
  if (start?.isClearingAway) return `died: ${failures.all.at(-1)?.reason}; what is left is cleared away`;
  if (start) return becauseOfStart(start, nowMs);
  if (isStopping) return `is being stopped: ${because}`;
  if (state === "draining") return `takes nothing new: ${because}${waitsForOf(resident)}`;
  return state === "ready" ? becauseOfLife(life!, expiresAtMs - nowMs) : because;
}

function becauseOfStart({ cancelled, because, retryAtMs, phase }: Start<Pooled>, nowMs: number): string {
  if (cancelled.aborted) return `is being given up: ${messageOf(cancelled.reason)}`;
  if (retryAtMs === Infinity) return because;
  const what = phase === "waiting for room" ? "looks again" : "is started again";
  return `${because}; ${what} in ${formatDuration(Math.max(0, retryAtMs - nowMs))}`;
}

/** What one that takes nothing new waits for: its own requests, or those of others that make room with it. */
function waitsForOf({ life, drain }: Resident<Pooled>): string {
  if (!life!.isIdle) return `; waits for ${countOf(life!.inFlightCount, "request")}`;
  const busy = drain?.together?.filter(({ life }) => life && !life.isIdle) ?? [];
  if (busy.length === 0) return "";
  const requests = busy.map(({ model, life }) => `${countOf(life!.inFlightCount, "request")} of "${model}"`);
  return `; waits for ${requests.join(" and ")}: they go together`;
}

function becauseOfLife(
  { isIdle, inFlightCount, coordinator }: CoordinatorLife<Pooled>,
  leftMs: number,
): string {
  if (!isIdle) {
    return `serves ${countOf(inFlightCount, "request")} in ${countOf(coordinator.slotCount, "slot")}`;
  }
  if (leftMs === Infinity) return "is idle, stays";
  return `is idle, is stopped in ${formatDuration(Math.max(0, leftMs))}`;
}

/** What a model does or waits for that has no place yet, where nobody has to go for it; to follow its name. */
export const WAITING = {
  free: "has the rpc backends asked that are free now",
  unknown: "waits for rpc backends to become free",
} as const;

/** A model waits behind another; to follow its name. */
export function waitsBehind(model: string): string {
  return `waits behind "${model}", which needs what is free now`;
}

/** Whom a model waits for who have to go for it; to follow its name. @param inMs When all of them may go. */
export function waitsFor(holders: readonly Resident<Pooled>[], inMs: number): string {
  if (holders.length === 0) return WAITING.free;
  return `waits for ${holders.map((holder) => whatOf(holder, inMs)).join(", and for ")}`;
}

function whatOf({ model, life, drain, endpoints, isStopping }: Resident<Pooled>, inMs: number): string {
  const held = `which holds ${endpoints.join(", ")}`;
  if (isStopping) return `"${model}" to be stopped, ${held}`;
  if (!life) return `"${model}" to be loaded, ${held}`;
  const isDue = drain !== undefined || inMs <= 0;
  const howLong = inMs === Infinity ? "meanwhile" : `for up to ${formatDuration(inMs)} more`;
  if (life.isIdle) {
    return isDue ? `"${model}" to be stopped, ${held}` : `"${model}", ${held} and stays ${howLong}`;
  }
  const requests = `${countOf(life.inFlightCount, "request")} of "${model}"`;
  return isDue ? `${requests} to end, ${held}` : `${requests}, ${held} and takes new ones ${howLong}`;
}

/** Why a coordinator that was in use has to make room. */
export function hasWaited(waitedMs: number): string {
  return `a request for it has waited ${formatDuration(waitedMs)}`;
}
