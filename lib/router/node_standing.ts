import type { ModelNeed } from "../nodes/model_need.ts";
import type { KnownNode } from "../nodes/node.ts";
import { formatBytes } from "../units.ts";
import type { Demand, Mode } from "./decision.ts";
import { fitOf } from "./node_fit.ts";

/**
 * How a node that holds a model stands to a request for it. `free`: it can take it now. `full`: once a slot is free.
 * `paused`: soon, for it asked to be left alone, or is on trial with another request. `untested`: it is about to be asked
 * whether it answers. `down`: it could take it if it answered. `unsound`: it fails too often. All others never can.
 */
export type NodeStanding =
  | "free"
  | "full"
  | "paused"
  | "untested"
  | "down"
  | "unsound"
  | "tried"
  | "too_small"
  | "refused"
  | "forbidden"
  | "remote"
  | "off";

/** How a node that holds the model stands to a request. What lasts goes before what passes. */
export function standingOf(
  node: KnownNode,
  { key, tried }: Demand,
  need: ModelNeed | undefined,
  mode: Mode,
): NodeStanding {
  if (mode === "sharding") return "off";
  if (mode === "single" && !node.isLocal) return "remote";
  if (!node.allows(key)) return "forbidden";
  const fit = fitOf(node, key, need);
  if (fit === "too_small" || fit === "refused") return fit;
  if (tried?.has(node.name)) return "tried";
  if (node.health === "down") return "down";
  if (node.breaker === "open") return "unsound";
  if (node.health === "unknown") return "untested";
  if (!node.isSound) return "paused";
  return node.inFlightCount < node.slotCount ? "free" : "full";
}

/** Whether a node can serve a request, now or soon. */
export function isPossible(standing: NodeStanding): boolean {
  return POSSIBLE.has(standing);
}

const POSSIBLE: ReadonlySet<NodeStanding> = new Set(["free", "full", "paused", "untested"]);

/** Why a node does not take a request now, in a clause: `gpu1 has 16.0 GiB`. */
export function describeStanding(node: KnownNode, standing: NodeStanding): string {
  return `${node.name} ${clauseOf(node, standing)}`;
}

function clauseOf(node: KnownNode, standing: NodeStanding): string {
  switch (standing) {
    case "free":
      return `has ${node.inFlightCount} of ${node.slotCount} slots in use`;
    case "full":
      return `has all its ${node.slotCount} slots in use`;
    case "untested":
      return "has not answered yet";
    case "down":
      return `is down: ${node.reason}`;
    case "paused":
    case "unsound":
      return `is left alone: ${node.unsoundness ?? node.reason}`;
    case "tried":
      return "failed this request a moment ago";
    case "too_small":
      return `has ${formatBytes(node.memoryBytes ?? 0)}`;
    case "refused":
      return "refused it for want of memory";
    case "forbidden":
      return "may not serve it by ollama_nodes";
    case "remote":
      return "is not on this host, and task distribution is switched off";
    case "off":
      return "is not used: task distribution is switched off";
  }
}
