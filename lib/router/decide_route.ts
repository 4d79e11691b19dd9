import { chooseSleeper } from "./choose_node.ts";
import type { Decision, Demand, Facts } from "./decision.ts";
import { whoServes, whyNotOutside } from "./external_outlook.ts";
import { refusalUnlessStored, refuseRoute } from "./refuse_route.ts";
import { type RouteScene, sceneOf } from "./route_scene.ts";
import { describeTrouble, isPassing } from "./sharding_outlook.ts";
import { describeUnasked } from "./unasked_nodes.ts";
import { whyNotNodes } from "./why_not_nodes.ts";

/**
 * Where a request goes. Pure: the same facts give the same decision; no clock, socket or log.
 *
 * A mode, an order (`x-sollol-route`, or the route of a profile) and the request's failures leave some upstreams out.
 * Of the others the first that can serve it is taken, in this order:
 *
 * 1. a node that holds the model and has a slot for it;
 * 2. a coordinator that somebody else runs and that serves it;
 * 3. a coordinator of ours that is ready, if else the request had to wait for a slot of a node;
 * 4. a slot of a node, once one is free;
 * 5. a coordinator of ours that has to load it;
 * 6. a node that sleeps, once it is woken;
 * 7. a coordinator of ours that may well fail: who loads says best what is wrong.
 *
 * A model that is to be sharded (`requires_distributed`, `shard_above`, `distributed_threshold_params`) goes to
 * coordinators first where that is possible. An order that cannot be met is refused, never passed over.
 */
export function decideRoute(demand: Demand, facts: Facts): Decision {
  return decideOn(sceneOf(demand, facts));
}

/** The decision for what was looked at. */
export function decideOn(scene: RouteScene): Decision {
  for (const way of scene.shardBecause === undefined ? WAYS : SHARDING_WAYS) {
    const decision = way(scene);
    if (decision) return decision;
  }
  return refuseRoute(scene);
}

/** One kind of upstream: the decision for it, or `undefined` if it cannot serve the request. */
type Way = (scene: RouteScene) => Decision | undefined;

const toFreeNode: Way = (scene) => {
  const { choice } = scene;
  return choice?.to === "node" ? { ...choice, because: choice.because + noteOf(scene) } : undefined;
};

const toExternal: Way = (scene) => {
  const { demand, usable, order, shardBecause } = scene;
  if (usable.length === 0) return undefined;
  const why = shardBecause === undefined ? whyNotNodes(scene) : [shardBecause];
  return {
    to: "external",
    url: order?.kind === "named_external" ? usable[0]!.url : undefined,
    because: [whoServes(demand, usable), ...why].join("; ") + (order ? `; ${order.because}` : ""),
  };
};

/** Instead of waiting for a slot of a node. */
const toReadyCoordinator: Way = (scene) => {
  const isReady = scene.facts.sharding.coordinator === "ready" && scene.trouble === undefined;
  return isReady && scene.allowsOurs && scene.choice?.to === "line" ? toOurs(scene) : undefined;
};

const toLine: Way = (scene) => {
  if (scene.choice?.to !== "line") return undefined;
  const { nodes } = scene.choice;
  const because = `"${scene.demand.model}" waits for a slot: ${whyNotNodes(scene, nodes).join("; ")}`;
  return { to: "line", nodes, because: because + noteOf(scene) };
};

const toCoordinator: Way = (scene) => {
  return scene.allowsOurs && scene.trouble === undefined ? toOurs(scene) : undefined;
};

const toSleeper: Way = (scene) => {
  const { demand, holders, facts } = scene;
  const node = chooseSleeper(holders, demand, facts.need, facts.rules);
  if (!node) return undefined;
  const because = node.wasAsked
    ? `"${demand.model}" is held by ${node.name}, which is woken: it is down: ${node.reason}`
    : `"${demand.model}" may be held by ${node.name}, which is woken: ${describeUnasked(node)}`;
  return { to: "wake", node, because: because + noteOf(scene) };
};

const toDoubtfulCoordinator: Way = (scene) => {
  const isDoubtful = scene.trouble !== undefined && isPassing(scene.trouble);
  return isDoubtful && scene.allowsOurs ? toOurs(scene) : undefined;
};

const WAYS: readonly Way[] = [
  toFreeNode,
  toExternal,
  toReadyCoordinator,
  toLine,
  toCoordinator,
  toSleeper,
  toDoubtfulCoordinator,
];

const SHARDING_WAYS: readonly Way[] = [
  toExternal,
  toCoordinator,
  toFreeNode,
  toLine,
  toSleeper,
  toDoubtfulCoordinator,
];

function toOurs(scene: RouteScene): Decision {
  const { demand, facts, external, trouble } = scene;
  const spread = facts.rules.mode === "single" ? "local" : "rpc";
  const what = spread === "local"
    ? "is run by one llama-server on this host"
    : "is sharded over rpc backends";
  const why = whySharded(scene);
  if (trouble) why.push(describeTrouble(trouble, facts));
  const because = [`"${demand.model}" ${what}`, ...(why.length > 0 ? [why.join("; ")] : [])].join(": ");
  return {
    to: "coordinator",
    spread,
    because: because + swapNote(scene) + whyNotOutside(demand, external),
    unlessStored: refusalUnlessStored(scene),
  };
}

function whySharded(scene: RouteScene): string[] {
  const { order, shardBecause } = scene;
  if (order) return [order.because];
  return shardBecause === undefined ? whyNotNodes(scene) : [shardBecause];
}

function swapNote({ facts: { rules, sharding } }: RouteScene): string {
  const { coordinator, freeCount, leasedCount } = sharding;
  if (rules.mode === "single" || coordinator === "ready" || coordinator === "starting") return "";
  if (freeCount > 0 || !(leasedCount > 0)) return "";
  return "; all of them are held by other coordinators of ours, which make room";
}

/** What was ordered, or why what was wanted is not done. */
function noteOf({ order, shardBecause, trouble, facts }: RouteScene): string {
  if (order) return `; ${order.because}`;
  if (shardBecause === undefined || trouble === undefined) return "";
  return `; ${shardBecause}, but cannot be sharded: ${describeTrouble(trouble, facts)}`;
}
