import type { ExternalFacts } from "../coordinator/external.ts";
import type { KnownNode } from "../nodes/node.ts";
import { formatBytes } from "../units.ts";
import { decideOn } from "./decide_route.ts";
import type { Candidate, Decision, Demand, Facts } from "./decision.ts";
import { describeSeat } from "./describe_seat.ts";
import { DigestNotes } from "./digest_notes.ts";
import { describeExternal, isUsable } from "./external_outlook.ts";
import { describeNeed, fitOf } from "./node_fit.ts";
import { describeStanding, isPossible, standingOf } from "./node_standing.ts";
import { notForNodes } from "./not_for_nodes.ts";
import { type RouteScene, sceneOf } from "./route_scene.ts";
import { describeTrouble, isPassing } from "./sharding_outlook.ts";
import { describeUnasked, usableUnasked } from "./unasked_nodes.ts";

/** A decision, and what speaks for or against each upstream that it was made among. */
export interface ExplainedDecision {
  /** Where the request goes. */
  readonly decision: Decision;
  /** All upstreams that could be thought of: the nodes that hold the model or might, others' coordinators, and our own. */
  readonly candidates: readonly Candidate[];
}

/** Explains where a request would go, by the very looks that decide it. Pure, and nothing is sent. */
export function explainRoute(demand: Demand, facts: Facts): ExplainedDecision {
  const scene = sceneOf(demand, facts);
  const decision = decideOn(scene);
  const digests = new DigestNotes(facts.holders, demand.key);
  return {
    decision,
    candidates: [
      ...facts.holders.map((node) => nodeCandidate(node, scene, decision, digests)),
      ...usableUnasked(facts.unaskedNodes, facts.rules.mode).map((node) =>
        unaskedCandidate(node, scene, decision)
      ),
      ...facts.external.map((external) => externalCandidate(external, scene, decision)),
      ourCandidate(scene, decision),
    ],
  };
}

function nodeCandidate(
  node: KnownNode,
  scene: RouteScene,
  decision: Decision,
  digests: DigestNotes,
): Candidate {
  const { demand, facts: { need, rules }, holders } = scene;
  const standing = standingOf(node, demand, need, rules.mode);
  const fit = fitOf(node, demand.key, need);
  const isOrdered = holders.includes(node);
  const clauses = [
    standing === "free" ? describeSeat(node, fit, demand, need) : describeStanding(node, standing),
    ...(standing === "too_small" && need ? [`"${demand.model}" needs ${describeNeed(need)}`] : []),
    ...(standing === "down" && node.wake ? ["it can be woken"] : []),
    ...speedOf(node, demand),
    ...digests.of(node),
    ...whyLeftOut(isOrdered, scene),
  ];
  return {
    kind: "node",
    name: node.name,
    isPossible: isOrdered && isPossible(standing),
    isChosen: isChosen(node, decision),
    because: clauses.join("; "),
  };
}

/** It serves the request only if it was named, and turns out to hold the model. */
function unaskedCandidate(node: KnownNode, scene: RouteScene, decision: Decision): Candidate {
  const { demand, facts: { need, rules }, holders } = scene;
  const isOrdered = holders.includes(node);
  const clauses = [
    describeUnasked(node),
    ...(node.wake && node.health === "down" ? ["it can be woken"] : []),
    ...whyLeftOut(isOrdered, scene),
  ];
  return {
    kind: "node",
    name: node.name,
    isPossible: isOrdered && isPossible(standingOf(node, demand, need, rules.mode)),
    isChosen: isChosen(node, decision),
    because: clauses.join("; "),
  };
}

function whyLeftOut(isOrdered: boolean, { demand, order }: RouteScene): string[] {
  const reason = notForNodes(demand);
  if (reason !== undefined) return [reason];
  return order && !isOrdered ? [order.because] : [];
}

function isChosen(node: KnownNode, decision: Decision): boolean {
  if (decision.to === "line") return decision.nodes.includes(node);
  return (decision.to === "node" || decision.to === "wake") && decision.node === node;
}

function speedOf(node: KnownNode, { key }: Demand): string[] {
  const tokensPerSecond = node.tokensPerSecondOf(key);
  return tokensPerSecond === undefined ? [] : [`${tokensPerSecond.toFixed(1)} tokens/s`];
}

function externalCandidate(external: ExternalFacts, scene: RouteScene, decision: Decision): Candidate {
  const { demand, order } = scene;
  const isOrdered = scene.external.includes(external);
  const isOffered = isOrdered && isUsable(external, demand);
  return {
    kind: "external",
    name: external.url,
    isPossible: isOffered,
    isChosen: isOffered && decision.to === "external" && (decision.url ?? external.url) === external.url,
    because: describeExternal(external, demand) + (order && !isOrdered ? `; ${order.because}` : ""),
  };
}

function ourCandidate(scene: RouteScene, decision: Decision): Candidate {
  const { facts, order, allowsOurs, trouble } = scene;
  const isLocal = facts.rules.mode === "single";
  const clauses = [
    trouble ? describeTrouble(trouble, facts) : outlookOf(scene),
    ...(order && !allowsOurs ? [order.because] : []),
  ];
  return {
    kind: isLocal ? "local" : "sharded",
    name: isLocal ? "llama-server" : "rpc backends",
    isPossible: allowsOurs && (trouble === undefined || isPassing(trouble)),
    isChosen: decision.to === "coordinator",
    because: clauses.join("; "),
  };
}

/** Where nothing speaks against it. */
function outlookOf({ demand, facts: { rules, sharding, need } }: RouteScene): string {
  const { coordinator, usableBytes, freeCount, leasedCount } = sharding;
  if (coordinator === "ready") return `our coordinator of "${demand.model}" is ready`;
  if (coordinator === "starting") return `our coordinator of "${demand.model}" is being started`;
  const needs = need
    ? `"${demand.model}" needs ${describeNeed(need)}`
    : `what "${demand.model}" needs is not known`;
  if (rules.mode === "single") return `one llama-server on this host can load it; ${needs}`;
  return `${needs}; ${freeCount} rpc backends are free and ${leasedCount} would be after a swap, with ` +
    `${formatBytes(usableBytes)} in all`;
}
