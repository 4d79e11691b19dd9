import type { ExternalFacts } from "../coordinator/external.ts";
import type { KnownNode } from "../nodes/node.ts";
import type { Demand, Facts } from "./decision.ts";

/** Longest part of an order that is repeated to people. */
const TOLD_LENGTH = 64;

/** Where the request or the model's profile wants it to go. */
export interface RouteOrder {
  /** Who wants it. */
  readonly by: "request" | "profile";
  /** `unknown`: no such name among those that hold or serve the model. */
  readonly kind: "node" | "sharded" | "named_nodes" | "named_external" | "unknown";
  /** The nodes that are left. */
  readonly holders: readonly KnownNode[];
  /** The coordinators of others that are left. */
  readonly external: readonly ExternalFacts[];
  /** For people, a clause: `x-sollol-route asks for "gpu1"`. */
  readonly because: string;
}

/**
 * Where a request is ordered to go; `undefined` if wherever is best. The request's own wish goes before the profile. A
 * name goes before a URL, and that before a tag, which may be that of several nodes. A node of which nobody knows what it
 * holds is asked only so.
 */
export function orderOf({ wish }: Demand, facts: Facts): RouteOrder | undefined {
  const text = wish ?? facts.rules.profile?.route;
  if (text === undefined) return undefined;
  const by = wish === undefined ? "profile" : "request";
  const asker = wish === undefined ? "its profile" : "x-sollol-route";
  return { by, because: `${asker} asks for "${text.slice(0, TOLD_LENGTH)}"`, ...leftBy(text, facts) };
}

function leftBy(text: string, facts: Facts): Pick<RouteOrder, "kind" | "holders" | "external"> {
  if (text === "node") return { kind: "node", holders: facts.holders, external: [] };
  if (text === "sharded") return { kind: "sharded", holders: [], external: facts.external };
  const holders = nodesCalled(text, facts.holders);
  if (holders.length > 0) return { kind: "named_nodes", holders, external: [] };
  const external = facts.external.filter(({ url }) => url === text);
  if (external.length > 0) return { kind: "named_external", holders: [], external };
  const unasked = nodesCalled(text, facts.unaskedNodes);
  return { kind: unasked.length > 0 ? "named_nodes" : "unknown", holders: unasked, external };
}

function nodesCalled(text: string, nodes: readonly KnownNode[]): readonly KnownNode[] {
  const named = nodes.find(({ name }) => name === text) ?? nodes.find(({ url }) => url === text);
  return named ? [named] : nodes.filter(({ tags }) => tags.includes(text));
}
