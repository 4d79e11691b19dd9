import type { Failure } from "./failure.ts";
import type { Route } from "./route.ts";

/** A node that has too much to do is asked so often by one request; the pause that it wants is kept each time. */
const MAX_BUSY_COUNT = 3;
/** One that cannot be reached and can be woken is asked so often: before it is woken, and after. */
const MAX_UNREACHED_COUNT = 2;

/** The upstreams that one request does not ask again. */
export class TriedUpstreams {
  readonly #names = new Set<string>();
  readonly #failedCounts = new Map<string, number>();

  /** What they are left out of the next decision by. */
  get names(): ReadonlySet<string> {
    return this.#names;
  }

  /** An upstream failed the request. */
  failed(route: Route, failure: Failure): void {
    const { triedAs } = route;
    const failedCount = (this.#failedCounts.get(triedAs) ?? 0) + 1;
    this.#failedCounts.set(triedAs, failedCount);
    if (failedCount >= mostFailures(route, failure)) this.#names.add(triedAs);
  }
}

function mostFailures({ node }: Route, { isExcluded, wasSent }: Failure): number {
  if (!isExcluded) return node ? MAX_BUSY_COUNT : Infinity;
  const sleeps = node?.node.wake !== undefined && node.node.health === "down" && !wasSent;
  return sleeps ? MAX_UNREACHED_COUNT : 1;
}
