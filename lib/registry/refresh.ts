import type { Clock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import { untilAborted } from "../until_aborted.ts";
import type { BackendChecks } from "./backend_checks.ts";
import type { RegisteredBackend } from "./registered_backend.ts";

/** What `BackendRegistry.refresh()` is asked for. */
export interface RefreshOptions {
  /** `host:port` each; default: all. Unknown ones are ignored. */
  readonly endpoints?: readonly string[];
  /** What is known for less than this is fresh enough, ms. Default 0. */
  readonly olderThanMs?: number;
  /** Whether those that are known to be down are asked, too. Default true; one that swallows packets costs a whole wait. */
  readonly asksDown?: boolean;
  /** For how long to wait, ms; probes go on afterwards. Default: the time of one probe and a little. */
  readonly withinMs?: number;
  /** Ends the wait; the promise then rejects with its reason. */
  readonly signal?: AbortSignal;
}

/**
 * Has backends checked that are not known freshly, and waits for the answers or until the time is over.
 *
 * @param find The backends in question; asked again, as some may turn out to be other names of others.
 * @throws The signal's reason, and nothing else.
 */
export async function refreshBackends(
  find: () => readonly RegisteredBackend[],
  checks: BackendChecks,
  clock: Clock,
  { olderThanMs, asksDown, withinMs, signal }: {
    olderThanMs: number;
    asksDown: boolean;
    withinMs: number;
    signal: AbortSignal | undefined;
  },
): Promise<void> {
  signal?.throwIfAborted();
  const sinceMs = clock.monotonic() - olderThanMs;
  const isStale = ({ knownMs = -Infinity, evidence }: RegisteredBackend) =>
    (olderThanMs === 0 || knownMs < sinceMs) && (asksDown || evidence.health !== "down");
  const isUnknown = ({ knownMs }: RegisteredBackend) => knownMs === undefined;
  const check = (backends: readonly RegisteredBackend[]) =>
    Promise.all(backends.map((backend) => checks.soon(backend, { isUrgent: true })));
  using deadline = new Deadline(clock, withinMs, { signal });
  await Promise.race([
    check(find().filter(isStale)).then(() => check(find().filter(isUnknown))),
    untilAborted(deadline.signal),
  ]);
  signal?.throwIfAborted();
}
