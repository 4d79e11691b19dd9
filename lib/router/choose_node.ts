import type { ModelNeed } from "../nodes/model_need.ts";
import type { KnownNode } from "../nodes/node.ts";
import type { Demand, RouteRules } from "./decision.ts";
import { describeSeat } from "./describe_seat.ts";
import { standingOf } from "./node_standing.ts";
import { pickNode } from "./pick_node.ts";

/** What came of choosing a node. */
export type NodeChoice =
  /** It has a free slot. */
  | { readonly to: "node"; readonly node: KnownNode; readonly because: string }
  /** These could serve the request, but none of them now. */
  | { readonly to: "line"; readonly nodes: readonly KnownNode[] };

/**
 * Chooses one of the nodes that hold the model, see {@linkcode pickNode}. Never one that is unsound, full, not allowed, too
 * small, or tried before. If only waiting helps, all those are told that are worth it: that are full or paused, and else
 * those that were never asked whether they answer.
 *
 * @returns `undefined` if none could serve it, now or later.
 */
export function chooseNode(
  holders: readonly KnownNode[],
  demand: Demand,
  need: ModelNeed | undefined,
  rules: RouteRules,
): NodeChoice | undefined {
  const free: KnownNode[] = [];
  const later: KnownNode[] = [];
  const untested: KnownNode[] = [];
  for (const node of holders) {
    const standing = standingOf(node, demand, need, rules.mode);
    if (standing === "free") free.push(node);
    else if (standing === "full" || standing === "paused") later.push(node);
    else if (standing === "untested") untested.push(node);
  }
  if (free.length > 0) {
    const { node, fit } = pickNode(free, demand, need, rules);
    const isKnown = node.name === demand.affinity && demand.task !== "embedding";
    const note = isKnown ? "; it has the beginning of this conversation" : "";
    return { to: "node", node, because: describeSeat(node, fit, demand, need) + note };
  }
  const nodes = later.length > 0 ? later : untested;
  return nodes.length > 0 ? { to: "line", nodes } : undefined;
}

/** The best node to wake among those that sleep and could serve the request then; `undefined` if there is none. */
export function chooseSleeper(
  holders: readonly KnownNode[],
  demand: Demand,
  need: ModelNeed | undefined,
  rules: RouteRules,
): KnownNode | undefined {
  const sleepers = holders.filter((node) =>
    node.wake !== undefined && standingOf(node, demand, need, rules.mode) === "down"
  );
  return sleepers.length > 0 ? pickNode(sleepers, demand, need, rules).node : undefined;
}
