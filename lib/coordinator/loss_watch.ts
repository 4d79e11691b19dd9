import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { BackendLease } from "../registry/backend_lease.ts";
import { CoordinatorStartError } from "./coordinator_failure.ts";

/** A machine that is back sooner has lost nothing: its connections outlive the outage. */
const PATIENCE_MS = 5_000;
const LOOK_MS = 1_000;

/**
 * Gives up the start of a coordinator whose backend is lost and stays so: llama-server would wait for it as long as TCP
 * does, a quarter of an hour. Dispose it when the start is over.
 */
export class LossWatch implements Disposable {
  readonly #given = new AbortController();
  readonly #over = new AbortController();

  /** Looks every second. */
  constructor(model: string, lease: Pick<BackendLease, "lost" | "lostEndpoint">, clock: Clock) {
    void this.#watch(model, lease, clock);
  }

  /** Aborts when the start is to be given up; the reason is a `CoordinatorStartError` with the backend at fault. */
  get signal(): AbortSignal {
    return this.#given.signal;
  }

  /** Nothing is given up from here on. */
  [Symbol.dispose](): void {
    this.#over.abort();
  }

  async #watch(
    model: string,
    lease: Pick<BackendLease, "lost" | "lostEndpoint">,
    clock: Clock,
  ): Promise<void> {
    let lostSinceMs: number | undefined;
    while (!this.#over.signal.aborted) {
      lostSinceMs = lease.lost.aborted ? lostSinceMs ?? clock.monotonic() : undefined;
      if (lostSinceMs !== undefined && clock.monotonic() - lostSinceMs >= PATIENCE_MS) {
        const message = `Cannot start a coordinator for "${model}": ${messageOf(lease.lost.reason)}`;
        const { lostEndpoint } = lease;
        return this.#given.abort(
          new CoordinatorStartError("backend_unreachable", message, undefined, lostEndpoint),
        );
      }
      await clock.sleep(LOOK_MS, { signal: this.#over.signal }).catch(() => {}); // only the end ends it early
    }
  }
}
