import type { Outcome } from "../metrics/gateway_metrics.ts";
import type { Task } from "./decision.ts";
import type { Route } from "./route.ts";

/** Where one request went, why, and what became of it. */
export interface LoggedDecision {
  /** When it was over, ISO 8601. */
  readonly at: string;
  /** As `x-sollol-request-id` tells it. */
  readonly requestId: string;
  /** What kind of work it was. */
  readonly task: Task;
  /** As its client named it. */
  readonly model: string | undefined;
  /** What kind of upstream was asked last; `undefined` if none was. */
  readonly to: Route["to"] | undefined;
  /** Its name. */
  readonly upstream: string | undefined;
  /** Why it went there. */
  readonly because: string | undefined;
  /** Upstreams asked. */
  readonly attemptCount: number;
  /** How it ended. */
  readonly outcome: Outcome;
  /** HTTP status; of a stream that broke, the one that it would have had. */
  readonly status: number;
  /** Waited for others' work, ms. */
  readonly queueMs: number | undefined;
  /** Waited for its model to load, ms. */
  readonly loadMs: number | undefined;
  /** From its arrival to the end of its answer, ms. */
  readonly durationMs: number;
  /** What it failed with. */
  readonly error: string | undefined;
}

/** So many decisions are kept. */
export const KEPT_DECISIONS = 1_000;

/** The last decisions, for operators. In memory only: the log has all of them. */
export class DecisionLog {
  readonly #kept: LoggedDecision[] = [];
  #nextAt = 0;

  /** Takes note of one; the oldest one is forgotten where there are too many. */
  add(decision: LoggedDecision): void {
    this.#kept[this.#nextAt] = decision;
    this.#nextAt = (this.#nextAt + 1) % KEPT_DECISIONS;
  }

  /** The newest first, at most `limit` of those that match. */
  list(
    { limit, matches = () => true }: { limit: number; matches?: (decision: LoggedDecision) => boolean },
  ): LoggedDecision[] {
    const found: LoggedDecision[] = [];
    for (let back = 1; back <= this.#kept.length && found.length < limit; back++) {
      const at = (this.#nextAt - back + KEPT_DECISIONS) % KEPT_DECISIONS;
      const decision = this.#kept[at];
      if (decision && matches(decision)) found.push(decision);
    }
    return found;
  }
}
