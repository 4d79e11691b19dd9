import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { BackendLease } from "../registry/backend_lease.ts";
import type { Fault } from "./coordinator_failure.ts";
import { type CoordinatorLook, isIdle, StallJudge, type StallPatience } from "./stall_judge.ts";

/** How {@linkcode watchForStall} looks. */
export interface StallWatchOptions extends StallPatience {
  /** Looks at the coordinator; rejects only when the signal has aborted. */
  readonly look: () => Promise<CoordinatorLook>;
  /** Says whether a backend is known to be lost. */
  readonly lease: Pick<BackendLease, "lost" | "lostEndpoint">;
  /** Ends the watch: the process has exited. */
  readonly signal: AbortSignal;
  /** Times the looks. */
  readonly clock: Clock;
}

/** How often it is looked at while something is in flight, ms. */
const LOOK_MS = 1_000;
/** While nothing is, one look of so many is made. */
const IDLE_LOOKS = 5;

/**
 * Waits until a coordinator hangs, or is idle while a backend of it is said to be lost.
 *
 * @returns What is wrong; `undefined` if the signal aborted first. Never rejects.
 */
export async function watchForStall(options: StallWatchOptions): Promise<Fault | undefined> {
  const { look, stallMs, lease, signal, clock } = options;
  const judge = new StallJudge(options);
  const pauseMs = Math.min(LOOK_MS, stallMs / 4);
  try {
    for (let pauseCount = 1;; pauseCount++) {
      await clock.sleep(pauseMs, { signal });
      const isDue = pauseCount % IDLE_LOOKS === 0;
      if (!isDue && !judge.isTense && !lease.lost.aborted) continue;
      const seen = await look();
      const { lost } = lease; // it may be another one each time
      const fault = judge.judge(seen, clock.monotonic(), lost.aborted);
      if (fault) return lost.aborted && !fault.isItsOwn ? withLoss(fault, lease) : fault;
      if (lost.aborted && isIdle(seen)) {
        return { reason: messageOf(lost.reason), suspectEndpoint: lease.lostEndpoint };
      }
    }
  } catch {
    return undefined; // the process has exited
  }
}

function withLoss(fault: Fault, { lost, lostEndpoint }: StallWatchOptions["lease"]): Fault {
  return { reason: `${fault.reason} (${messageOf(lost.reason)})`, suspectEndpoint: lostEndpoint };
}
