import { formatDuration } from "../units.ts";
import type { Holder } from "./holder.ts";
import type { Pooled } from "./pooled.ts";
import { countOf } from "./refusals.ts";
import type { Resident } from "./resident.ts";
import type { Room } from "./room.ts";

/** What a model waits for that has no place yet; to follow its name. @param inMs When those may go who have to. */
export function waitsFor(
  room: Room<Holder<Pooled>> | { readonly kind: "reserved"; readonly forModel: string },
  holders: readonly Resident<Pooled>[],
  inMs: number,
): string {
  if (room.kind === "reserved") return `waits behind "${room.forModel}", which needs what is free now`;
  if (room.kind === "free") return "asks the rpc backends that are free now";
  if (holders.length === 0) return "waits for rpc backends to become free";
  return `waits for ${holders.map((holder) => whatOf(holder, inMs)).join(", and for ")}`;
}

/** Why a coordinator that was in use has to make room. */
export function hasWaited(waitedMs: number): string {
  return `a request for it has waited ${formatDuration(waitedMs)}`;
}

function whatOf({ model, life, drain, endpoints, isStopping }: Resident<Pooled>, inMs: number): string {
  const held = `which holds ${endpoints.join(", ")}`;
  if (isStopping) return `"${model}" to be stopped, ${held}`;
  if (!life) return `"${model}" to be loaded, ${held}`;
  if (life.isIdle && inMs <= 0) return `"${model}" to be stopped, ${held}`;
  if (life.isIdle) return `"${model}", ${held} and stays for ${formatDuration(inMs)} more`;
  const requests = `${countOf(life.inFlightCount, "request")} of "${model}"`;
  if (drain || inMs <= 0) return `${requests} to end, ${held}`;
  const howLong = inMs === Infinity ? "as long as there are any" : `for up to ${formatDuration(inMs)} more`;
  return `${requests}, ${held} and takes new ones ${howLong}`;
}

/** How a model's coordinator is and why, now; to follow its name. */
export function becauseOf(resident: Resident<Pooled>, nowMs: number): string {
  const { state, start, life, because, isStopping, expiresAtMs } = resident;
  if (start?.isClearingAway) {
    return `died: ${resident.failures.all.at(-1)?.reason}; what is left is cleared away`;
  }
  if (start) {
    const retryInMs = start.retryAtMs - nowMs;
    if (start.cancelled.aborted) return `is being given up: ${start.cancelled.reason.message}`;
    return retryInMs === Infinity
      ? start.because
      : `${start.because}; is started again in ${formatDuration(retryInMs)}`;
  }
  if (state === "draining" && isStopping) return `is being stopped: ${because}`;
  if (state === "draining") {
    return `takes nothing new: ${because}; waits for ${countOf(life!.inFlightCount, "request")}`;
  }
  if (state !== "ready") return because;
  if (!life!.isIdle) {
    return `serves ${countOf(life!.inFlightCount, "request")} in ${
      countOf(life!.coordinator.slotCount, "slot")
    }`;
  }
  const until = expiresAtMs === Infinity
    ? "stays"
    : `is stopped in ${formatDuration(Math.max(0, expiresAtMs - nowMs))}`;
  return `is idle, ${until}`;
}
