import type { NodePolicy } from "../config/config.ts";
import type { ModelNeed } from "../nodes/model_need.ts";
import type { KnownNode } from "../nodes/node.ts";
import type { Demand, RouteRules } from "./decision.ts";
import { fitOf, type NodeFit, vramShareOf } from "./node_fit.ts";

/** The best node, and how the model stands to its memory. */
export interface PickedNode {
  /** The node. */
  readonly node: KnownNode;
  /** How the model stands to its memory. */
  readonly fit: NodeFit;
}

/**
 * Picks the best of some nodes that can all serve a request. There must be at least one.
 *
 * - `auto` takes the least cost: how full the node is, as a part of its slots, and a quarter for the request itself,
 *   through its weight and its speed; and what loading would cost. A node where the model is wholly on GPUs costs nothing
 *   more, one where it is partly on the CPU up to a quarter, one where it fits beside what is loaded a half, and one that
 *   has to unload others for it a whole; one that has requests of ours for the model is about to have it. So a node that has the model keeps it to itself until about half of its slots
 *   are in use; then an idle one loads it too, and only a node without a free slot makes another one unload.
 * - `least_busy`: the fewest requests for its slots and weight.
 * - `round_robin`: the longest ago chosen, through its weight.
 * - `fastest`: most tokens a second, then the soonest first token. One that was never measured gets one request.
 *
 * A node that nobody measured counts as the median of those that were. Embeddings gain nothing from a cache, and their
 * models load fast: they go to the least busy, unless in turn. Of equals the one goes first where the model is loaded,
 * then the longest ago chosen.
 *
 * The node that has the beginning of the conversation in its cache is taken, if the model is still loaded there (or not
 * at the best one either) and it has at most `affinityMargin` requests more than the best one.
 */
export function pickNode(
  nodes: readonly KnownNode[],
  demand: Demand,
  need: ModelNeed | undefined,
  { policy, affinityMargin }: RouteRules,
): PickedNode {
  const bids = bidsOf(nodes, demand.key, need);
  const isEmbedding = demand.task === "embedding";
  const compare = COMPARISONS[isEmbedding && policy !== "round_robin" ? "least_busy" : policy];
  const newestTurn = nodes.reduce((newest, { lastTurn }) => Math.max(newest, lastTurn), 0);
  const best = bids.reduce((best, bid) => compare(bid, best, newestTurn) < 0 ? bid : best);
  if (isEmbedding || demand.affinity === undefined) return best;
  const known = bids.find(({ node }) => node.name === demand.affinity);
  if (!known || (known.fit !== "resident" && best.fit === "resident")) return best;
  return known.node.inFlightCount - best.node.inFlightCount <= affinityMargin ? known : best;
}

/** A node with all that it is compared by. */
interface Bid extends PickedNode {
  /** What loading the model there costs, as a part of its slots in use. */
  readonly loadCost: number;
  /** Requests for its slots, 0 to 1. */
  readonly fullness: number;
  /** Tokens a second as they were measured. */
  readonly tokensPerSecond: number | undefined;
  /** How fast it is beside the median node, 0.1 to 10. */
  readonly speed: number;
}

/** Below 0 if the first is the better one. What cannot be compared (NaN) is left to the next criterion. */
type Comparison = (a: Bid, b: Bid, newestTurn: number) => number;

const COST_OF_FIT: Readonly<Record<NodeFit, number>> = {
  resident: 0,
  now: 0.5,
  unknown_memory: 0.75,
  unknown_need: 0.75,
  after_unloading: 1,
  too_small: Infinity,
  refused: Infinity,
};
/** A loaded model that is wholly on the CPU, as a part of the slots in use. */
const CPU_COST = 0.25;
/** The request itself, as a part of the slots in use. */
const OWN_COST = 0.25;
/** No measurement makes a node more than so many times faster or slower than the median: it may be of one odd answer. */
const MAX_SPEED = 10;

const COMPARISONS: Readonly<Record<NodePolicy, Comparison>> = {
  auto: (a, b) => costOf(a) - costOf(b) || byRest(a, b),
  least_busy: (a, b) => a.fullness / a.node.weight - b.fullness / b.node.weight || byRest(a, b),
  round_robin: (a, b, newestTurn) => claimOf(b, newestTurn) - claimOf(a, newestTurn) || byWeight(a, b),
  fastest: (a, b) =>
    rankOf(b) - rankOf(a) || measured(b) - measured(a) ||
    (a.node.firstTokenMs ?? Infinity) - (b.node.firstTokenMs ?? Infinity) || byRest(a, b),
};

function bidsOf(nodes: readonly KnownNode[], key: string, need: ModelNeed | undefined): Bid[] {
  const speeds = nodes.map((node) => node.tokensPerSecondOf(key));
  const median = medianOf(speeds);
  return nodes.map((node, at) => {
    const fit = fitOf(node, key, need);
    return {
      node,
      fit,
      loadCost: loadCostOf(node, key, fit),
      fullness: node.inFlightCount / node.slotCount,
      tokensPerSecond: speeds[at],
      speed: speedOf(speeds[at], median),
    };
  });
}

/** Nobody loads a model a second time that is about to be loaded elsewhere: what a node answers, it has or will have. */
function loadCostOf(node: KnownNode, key: string, fit: NodeFit): number {
  if (fit === "resident") return CPU_COST * (1 - vramShareOf(node, key));
  return node.isServing(key) ? 0 : COST_OF_FIT[fit];
}

/** 1 if there is none. */
function medianOf(speeds: readonly (number | undefined)[]): number {
  const measured = speeds.filter((speed = 0) => speed > 0 && speed < Infinity) as number[];
  return Float64Array.from(measured).sort()[(measured.length - 1) >> 1] ?? 1;
}

/** One that answers no tokens is slow, not unmeasured. */
function speedOf(tokensPerSecond: number | undefined, median: number): number {
  if (tokensPerSecond === undefined) return 1;
  return Math.min(Math.max(tokensPerSecond / median, 1 / MAX_SPEED) || 1 / MAX_SPEED, MAX_SPEED);
}

function costOf({ node, loadCost, fullness, speed }: Bid): number {
  return loadCost + (fullness + OWN_COST) / (node.weight * speed);
}

/** How long ago it was chosen, in turns of those that are compared, through its weight. */
function claimOf({ node }: Bid, newestTurn: number): number {
  return (newestTurn + 1 - node.lastTurn) * node.weight;
}

/** 1 for one that is to be measured, 0 for others. */
function rankOf({ node, tokensPerSecond }: Bid): number {
  return tokensPerSecond === undefined && node.inFlightCount === 0 ? 1 : 0;
}

function measured({ tokensPerSecond = 0 }: Bid): number {
  return tokensPerSecond > 0 ? tokensPerSecond : 0;
}

function byRest(a: Bid, b: Bid): number {
  return a.loadCost - b.loadCost || a.node.lastTurn - b.node.lastTurn || byWeight(a, b);
}

function byWeight(a: Bid, b: Bid): number {
  return b.node.weight - a.node.weight || a.node.lastTurn - b.node.lastTurn;
}
