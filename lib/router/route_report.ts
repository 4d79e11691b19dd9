import type { Candidate, Decision } from "./decision.ts";
import type { RouteExplanation } from "./upstreams.ts";

/** Where a request would go now, as `GET /api/admin/route` tells it. */
export interface RouteReport {
  /** The model that is meant, aliases resolved. */
  readonly model: string;
  /** What kind of upstream; `nowhere` if none can serve it, `line` if it had to wait for a slot of a node. */
  readonly to: Decision["to"];
  /** The node's name, where it is one node. */
  readonly upstream: string | undefined;
  /** Of the refusal, if it would be refused. */
  readonly code: string | undefined;
  /** Why, one sentence. */
  readonly because: string;
  /** All that it could have gone to, and what speaks for or against each. */
  readonly candidates: readonly Candidate[];
  /** Models that would be asked instead if it has no capacity. */
  readonly fallbacks: readonly string[];
  /** Of these, the one that would answer, since the model itself has none; all above but `model` is of that one. */
  readonly answeredBy: string | undefined;
}

/** The report of an explanation. */
export function toRouteReport(
  { model, decision, candidates, fallbacks, answeredBy }: RouteExplanation,
): RouteReport {
  const { to, because } = decision;
  return {
    model,
    to,
    upstream: to === "node" || to === "wake" ? decision.node.name : undefined,
    code: to === "nowhere" ? decision.code : undefined,
    because,
    candidates,
    fallbacks,
    answeredBy,
  };
}
