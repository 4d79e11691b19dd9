import type { Clock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import { untilAborted } from "../until_aborted.ts";
import type { Check, CheckGroup } from "./check.ts";

/** For how long it may take to find out what there is to look at, ms. */
const PATIENCE_MS = 3_500;

/** What stands for checks that are known only later. */
export interface LateChecks {
  /** Name of the check that tells if it cannot be found out. */
  readonly name: string;
  /** Its group. */
  readonly group: CheckGroup;
  /** Finds out what there is to look at. */
  readonly find: () => Promise<readonly Check[]>;
}

/** Waits for the checks of a group. Never rejects: what keeps them from being known is told by a check, too. */
export async function lateChecks(
  { name, group, find }: LateChecks,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<readonly Check[]> {
  using deadline = new Deadline(clock, PATIENCE_MS, { signal });
  const instead = (examine: Check["examine"]): readonly Check[] => [{ name, group, examine }];
  return await Promise.race([
    find().catch((error) => instead(() => Promise.reject(error))),
    // a check that never ends is told as such
    untilAborted(deadline.signal).then(() =>
      instead((signal) => untilAborted(signal).then(() => Promise.reject(signal.reason)))
    ),
  ]);
}
