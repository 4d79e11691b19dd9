import type { KnownNode } from "../nodes/node.ts";
import { describeNeed } from "./node_fit.ts";
import { describeStanding, type NodeStanding, standingOf } from "./node_standing.ts";
import type { RouteScene } from "./route_scene.ts";

/** Nodes that a sentence tells of one by one. */
const TOLD_COUNT = 5;

/** How the nodes of a scene stand to its request. */
export function standingsOf({ demand, facts, holders }: RouteScene): ReadonlySet<NodeStanding> {
  return new Set(holders.map((node) => standingOf(node, demand, facts.need, facts.rules.mode)));
}

/** Why these nodes of a scene do not take its request now, in clauses with their numbers; none if there are none. */
export function whyNotNodes(
  { demand, facts: { need, rules }, holders }: RouteScene,
  nodes: readonly KnownNode[] = holders,
): string[] {
  const stand = (node: KnownNode) => standingOf(node, demand, need, rules.mode);
  const told = nodes.slice(0, TOLD_COUNT).map((node) => describeStanding(node, stand(node)));
  const untoldCount = nodes.length - told.length;
  if (untoldCount > 0) told.push(`${untoldCount} more cannot take it now either`);
  const isTooLarge = need && nodes.some((node) => stand(node) === "too_small");
  return isTooLarge ? [`it needs ${describeNeed(need)}`, ...told] : told;
}
