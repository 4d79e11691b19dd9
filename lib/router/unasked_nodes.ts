import type { KnownNode } from "../nodes/node.ts";
import type { Mode } from "./decision.ts";

/** Nodes that a sentence tells of one by one. */
const TOLD_COUNT = 3;

/** Of the nodes that were never asked what they hold, those that might serve a request in this mode. */
export function usableUnasked(nodes: readonly KnownNode[], mode: Mode): readonly KnownNode[] {
  if (mode === "sharding") return [];
  return mode === "single" ? nodes.filter(({ isLocal }) => isLocal) : nodes;
}

/** That nobody knows whether these hold a model, in clauses: `gpu1 was never asked what it holds: down: …`. */
export function whyUnasked(nodes: readonly KnownNode[]): string[] {
  const told = nodes.slice(0, TOLD_COUNT).map(describeUnasked);
  const moreCount = nodes.length - told.length;
  return moreCount > 0 ? [...told, `${moreCount} more were never asked either`] : told;
}

/** As {@linkcode whyUnasked} says it of one. */
export function describeUnasked({ name, unsoundness, reason }: KnownNode): string {
  return `${name} was never asked what it holds: ${unsoundness ?? reason}`;
}

/** How the client may have one of these woken though nobody knows whether it holds the model; none if none can be. */
export function curesOfUnasked(nodes: readonly KnownNode[]): string[] {
  const sleeper = nodes.find(({ wake, health }) => wake !== undefined && health === "down");
  return sleeper ? [`send x-sollol-route: ${sleeper.name} to have ${sleeper.name} woken for it`] : [];
}
