import type { Pooled, PoolView } from "./pooled.ts";
import type { Resident } from "./resident.ts";
import { becauseOf } from "./sentences.ts";

/** A snapshot of a coordinator. */
export function viewOf(
  resident: Resident<Pooled>,
  { waitingCount, nowMs }: { waitingCount: number; nowMs: number },
): PoolView {
  const { start, life, expiresAtMs } = resident;
  const isIdle = resident.state === "ready" && life!.isIdle;
  return {
    id: resident.id,
    key: resident.key,
    model: resident.model,
    state: resident.state,
    phase: start?.phase,
    because: becauseOf(resident, nowMs),
    progress: start?.progress,
    inFlightCount: life?.inFlightCount ?? 0,
    slotCount: life?.coordinator.slotCount,
    waitingCount,
    endpoints: resident.endpoints,
    loadMs: resident.loads.lastMs,
    upMs: life && Math.round(nowMs - life.readyMs),
    expiresInMs: isIdle ? msUntil(expiresAtMs, nowMs) : undefined,
    isPinned: resident.isPinned,
    failures: resident.failures.all,
    restartCount: resident.restarts.count,
  };
}

/** `null` for never. */
function msUntil(atMs: number, nowMs: number): number | null {
  return atMs === Infinity ? null : Math.max(0, Math.round(atMs - nowMs));
}
