import { formatDuration } from "../units.ts";
import type { Pooled } from "./pooled.ts";
import { countOf } from "./refusals.ts";
import type { RequestQueue } from "./request_queue.ts";
import type { Resident } from "./resident.ts";
import type { ResidentHost } from "./resident_host.ts";

/** Why one ends that an operator does not want any more. */
export const UNLOADED = "unloaded on request";

/** Does with each model's coordinator what does not depend on the others: serves, begins, tries again, ends. */
export class Caretaker<C extends Pooled> {
  /** Both stay their owner's. */
  constructor(private readonly queue: RequestQueue<C>, private readonly host: ResidentHost) {}

  /** Does what is due. */
  tend(resident: Resident<C>, nowMs: number): void {
    if (resident.state === "starting") this.#tendStart(resident, nowMs);
    if (resident.state === "ready") this.#tendReady(resident, nowMs);
    const { state, life, drain } = resident;
    if (state === "draining" && drain?.kind === "for good" && life!.isIdle) resident.stop(drain.because);
    const waitingCount = this.queue.countOf(resident.key);
    const isAtRest = state === "stopped" || state === "failed";
    if (isAtRest && waitingCount > 0) resident.begin(`is wanted by ${countOf(waitingCount, "request")}`);
  }

  /** When it has to be tended again though nothing happens, ms of the monotonic clock. */
  nextMs(resident: Resident<C>): number {
    const { key, start, expiresAtMs } = resident;
    if (!start || start.hasProcess) return expiresAtMs;
    const { retryAtMs, wantedUntilMs, refusesFromMs, isPreparing } = start;
    const isPatient = this.queue.countOf(key) > 0 && !isPreparing;
    return Math.min(
      retryAtMs,
      this.#isUnwanted(resident) ? wantedUntilMs : Infinity,
      isPatient ? refusesFromMs : Infinity,
    );
  }

  #tendStart(resident: Resident<C>, nowMs: number): void {
    const { key, start } = resident;
    const { hasProcess, wantedUntilMs, retryAtMs, isPreparing, isUnplaceable } = start!;
    if (hasProcess) return; // it will come to an end, one way or the other
    if (this.#isUnloadDue(resident)) resident.cancel(UNLOADED);
    else if (this.#isUnwanted(resident) && nowMs >= wantedUntilMs) {
      resident.cancel("nobody waits for it any more");
    } else if (nowMs >= retryAtMs) start!.prepare();
    else if (isUnplaceable && !isPreparing && this.queue.countOf(key) > 0) {
      if (this.#refuse(resident, nowMs)) this.host.changed(); // now nobody may want it
    }
  }

  /** Refuses who waits though it cannot be placed: at first only those whom somebody else serves. @returns Whether anybody. */
  #refuse({ key, start }: Resident<C>, nowMs: number): boolean {
    const { refusesFromMs, unplaceable } = start!;
    if (nowMs < refusesFromMs) return this.queue.sendElsewhere(key, unplaceable) > 0;
    this.queue.refuse(key, unplaceable);
    return true;
  }

  #tendReady(resident: Resident<C>, nowMs: number): void {
    const life = resident.life!;
    this.queue.serve(resident, life, nowMs);
    if (this.#isUnloadDue(resident)) {
      resident.takeNothingNew({ kind: "for good", because: UNLOADED, startsAgain: false });
    } else if (resident.expiresAtMs <= nowMs) {
      resident.stop(`was idle for ${formatDuration(nowMs - life.usedMs)}`);
    }
  }

  #isUnwanted({ key, isPinned }: Resident<C>): boolean {
    return this.queue.countOf(key) === 0 && !isPinned;
  }

  /** Whether it was to be unloaded when certain requests have been served, and these have been. */
  #isUnloadDue({ key, lastCallMs }: Resident<C>): boolean {
    return lastCallMs !== Infinity && this.queue.oldestMs(key) > lastCallMs;
  }
}
