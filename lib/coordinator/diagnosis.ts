import type { Clock } from "../clock.ts";
import type { Verdict } from "../rpc/verdict.ts";

/** What a probe says of an rpc backend. */
export interface BackendFinding {
  /** `host:port`. */
  readonly endpoint: string;
  /** Anything but `up` is trouble. */
  readonly verdict: Verdict;
  /** One sentence: what is wrong, and what to do. */
  readonly reason: string;
}

/**
 * Probes rpc backends, each for `timeoutMs` at most: one that is slow must not hide what the others say. Called only
 * when no coordinator of ours holds them.
 */
export type Diagnose = (
  endpoints: readonly string[],
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
) => Promise<readonly BackendFinding[]>;

/** What the probes may take beyond their own deadline before they are given up, ms. */
const GRACE_MS = 200;

/**
 * Asks which rpc backends are in trouble, for a limited time.
 *
 * @returns Those that are not `up`; none if it took too long, failed or the signal aborted: a diagnosis never hides the symptom.
 */
export async function findTrouble(
  diagnose: Diagnose | undefined,
  endpoints: readonly string[],
  { clock, withinMs, signal }: { clock: Clock; withinMs: number; signal?: AbortSignal | undefined },
): Promise<readonly BackendFinding[]> {
  if (!diagnose || endpoints.length === 0) return [];
  const done = new AbortController();
  const ended = signal ? AbortSignal.any([signal, done.signal]) : done.signal;
  const tooLate = clock.sleep(withinMs + GRACE_MS, { signal: ended }).then(() => [], () => []);
  try {
    const findings = await Promise.race([
      diagnose(endpoints, { timeoutMs: withinMs, signal: ended }),
      tooLate,
    ]);
    return findings.filter(({ verdict }) => verdict !== "up");
  } catch {
    return [];
  } finally {
    done.abort();
  }
}
