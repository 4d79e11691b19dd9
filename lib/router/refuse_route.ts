import type { ErrorCode } from "../errors.ts";
import type { Decision, Mode, Refusal } from "./decision.ts";
import { isUsable, troubleOutside, whyNotOutside } from "./external_outlook.ts";
import { describeNeed } from "./node_fit.ts";
import { notForNodes } from "./not_for_nodes.ts";
import { isPossible, type NodeStanding } from "./node_standing.ts";
import type { RouteOrder } from "./route_order.ts";
import type { RouteScene } from "./route_scene.ts";
import { describeTrouble, type ShardingTrouble } from "./sharding_outlook.ts";
import { curesOfUnasked, usableUnasked, whyUnasked } from "./unasked_nodes.ts";
import { standingsOf, whyNotNodes } from "./why_not_nodes.ts";

/** Says that nothing can serve a request: all that was looked at, with the numbers, and what to do. */
export function refuseRoute(scene: RouteScene): Extract<Decision, { to: "nowhere" }> {
  const { demand, external } = scene;
  const causes = causesOf(scene).join("; ") + whyNotOutside(demand, external);
  const cures = curesOf(scene).join(", or ");
  return {
    to: "nowhere",
    code: isNowhere(scene) ? "model_not_found" : codeOf(scene) ?? codeWithoutUpstream(scene),
    because: `Cannot serve "${demand.model}": ${causes.replace(/^; /, "")}; ${cures}`,
    unlessStored: refusalUnlessStored(scene),
  };
}

/** What to answer if our store has no such model; `undefined` if nobody else has it, so that it is just not found. */
export function refusalUnlessStored(scene: RouteScene): Refusal | undefined {
  const { demand, facts, order } = scene;
  const trouble = troubleOutside(demand, facts.external);
  if (trouble === undefined && facts.holders.length === 0 && scene.holders.length === 0) return undefined;
  const reason = notForNodes(demand);
  const causes = [
    "no such model is stored here",
    ...(order ? [order.because] : []),
    ...(reason === undefined ? whyNotNodes(scene) : whyNoNode(reason, scene)),
  ];
  return {
    code: codeOf({ ...scene, trouble: "not_stored" }) ?? trouble ??
      withoutNodes({ ...scene, trouble: "not_stored" }),
    because: `Cannot serve "${demand.model}": ${causes.join("; ")}${whyNotOutside(demand, facts.external)}`,
  };
}

function causesOf(scene: RouteScene): string[] {
  const { demand, facts, order, holders, allowsOurs, trouble } = scene;
  const reason = notForNodes(demand);
  if (order?.kind === "unknown") return [`${order.because}, ${unknownName(scene)}`];
  const causes = whyNotNodes(scene);
  if (reason !== undefined) causes.push(...whyNoNode(reason, scene));
  if (order) causes.unshift(order.because);
  if (holders.length === 0 && mayUseNodes(scene)) causes.push(...whyNoHolder(scene));
  if (allowsOurs && trouble) causes.push(describeTrouble(trouble, facts));
  if (trouble === "too_small" && facts.need && !causes.some((cause) => cause.startsWith("it needs "))) {
    causes.unshift(`it needs ${describeNeed(facts.need)}`);
  }
  return causes;
}

/** Nobody needs to hear of nodes where they have nothing to do with it. */
function whyNoNode(reason: string, { facts, order }: RouteScene): string[] {
  const isAbout = facts.holders.length > 0 || order?.kind === "node" || order?.kind === "named_nodes";
  return isAbout ? [reason] : [];
}

function unknownName({ facts }: RouteScene): string {
  const names = [...facts.holders.map(({ name }) => name), ...facts.external.map(({ url }) => url)];
  const known = names.length === 0 ? "" : `; there are ${names.slice(0, 5).join(", ")}`;
  return `and no node or coordinator of that name, URL or tag has it${known}`;
}

function whyNoHolder({ facts: { nodeCount, unaskedNodes, rules } }: RouteScene): string[] {
  const unasked = usableUnasked(unaskedNodes, rules.mode);
  const askedCount = nodeCount - unasked.length;
  if (unasked.length === 0) return [noHolder(nodeCount, rules.mode)];
  if (askedCount <= 0 || rules.mode === "single") return whyUnasked(unasked);
  const others = askedCount === 1
    ? "the other node does not hold it"
    : `none of ${askedCount} others holds it`;
  return [...whyUnasked(unasked), others];
}

function noHolder(nodeCount: number, mode: Mode): string {
  if (mode === "single") return "no node on this host holds it";
  if (nodeCount === 0) return "no Ollama node is known";
  return nodeCount === 1 ? "the one node does not hold it" : `none of ${nodeCount} nodes holds it`;
}

function mayUseNodes({ demand, facts, order }: RouteScene): boolean {
  return demand.only === undefined && facts.rules.mode !== "sharding" &&
    (order === undefined || order.kind === "node");
}

/** What nodes and the coordinators of others suffer from. What passes soonest goes first. */
function codeOf(scene: RouteScene): ErrorCode | undefined {
  const { demand, external, order, trouble, allowsOurs } = scene;
  const outside = troubleOutside(demand, external);
  if (order && outside === undefined && isMistake(order, scene)) {
    return order.by === "request" ? "invalid_request" : "model_unusable";
  }
  const standings = standingsOf(scene);
  if (outside === "loading") return outside;
  if (standings.has("unsound") || [...standings].some(isPossible)) return "no_capacity";
  if (outside || standings.has("down") || standings.has("tried")) return "backend_unreachable";
  if (allowsOurs && trouble === "tried") return "upstream_failed";
  if (standings.has("too_small") || standings.has("refused")) return "insufficient_memory";
  return standings.has("forbidden") ? "forbidden" : undefined;
}

/** Where nobody suffers from anything that passes. */
function codeWithoutUpstream(scene: RouteScene): ErrorCode {
  const { allowsOurs, trouble } = scene;
  return allowsOurs && trouble === "too_small" ? "insufficient_memory" : withoutNodes(scene);
}

/** What only a llama-server can do does not come to be possible by itself where none may have the model. */
function withoutNodes({ demand, trouble }: RouteScene): ErrorCode {
  const isNever = trouble === "off" || trouble === "not_stored";
  return demand.only !== undefined && isNever ? "model_unusable" : "no_capacity";
}

/** Nobody has it, whatever was ordered. */
function isNowhere({ demand, holders, facts: { external, ...facts } }: RouteScene): boolean {
  return facts.holders.length === 0 && holders.length === 0 && facts.sharding.isStored === false &&
    troubleOutside(demand, external) === undefined && !external.some((one) => isUsable(one, demand));
}

/** Whether an order asks for what cannot be, however long one waits. */
function isMistake(order: RouteOrder, { demand, facts, trouble }: RouteScene): boolean {
  const { holders, unaskedNodes, rules } = facts;
  switch (order.kind) {
    case "unknown":
      return true;
    case "sharded":
      return trouble === "off" || trouble === "not_stored";
    case "named_nodes":
      return demand.only !== undefined;
    case "node":
      return demand.only !== undefined ||
        holders.length === 0 && usableUnasked(unaskedNodes, rules.mode).length === 0;
    default:
      return false;
  }
}

/** What helps, each once. */
function curesOf(scene: RouteScene): string[] {
  const { order, allowsOurs, trouble } = scene;
  const cures = allowsOurs && trouble ? [cureOf(trouble, scene)] : [];
  cures.push(...curesOfNodes(scene));
  if (order) cures.push(order.by === "request" ? "leave x-sollol-route out" : "change its profile");
  return [...new Set(cures)];
}

function cureOf(trouble: ShardingTrouble, { demand, facts, order, holders }: RouteScene): string {
  switch (trouble) {
    case "off":
      return "set model_sharding_enabled: true";
    case "no_backends":
      return "start ggml-rpc-server on a machine and register it: sollol register HOST:PORT";
    case "not_stored":
      if (
        demand.only || order || holders.length > 0 || facts.nodeCount === 0 || facts.rules.mode !== "hybrid"
      ) {
        const lacksBackend = facts.sharding.backendCount === 0 && facts.rules.mode !== "single";
        return "pull it on this host with ollama pull" +
          (lacksBackend ? ", and register an rpc backend: sollol register HOST:PORT" : "");
      }
      return "pull it on a node with ollama pull";
    case "too_small":
      return "add an rpc backend, or ask for a smaller model";
    case "tried":
    case "unsure":
    case "unavailable":
    case "failed":
      return "ask again in a moment";
  }
}

function curesOfNodes(scene: RouteScene): string[] {
  const standings = standingsOf(scene);
  if (standings.size > 0) return [...standings].flatMap((standing) => CURES[standing] ?? []);
  if (!mayUseNodes(scene)) return [];
  const { nodeCount, unaskedNodes, rules } = scene.facts;
  return nodeCount === 0
    ? ["name an Ollama node in ollama_nodes"]
    : curesOfUnasked(usableUnasked(unaskedNodes, rules.mode));
}

const CURES: Readonly<Partial<Record<NodeStanding, string>>> = {
  down: "see that Ollama runs there",
  unsound: "ask again in a moment",
  tried: "ask again in a moment",
  forbidden: "allow it in ollama_nodes",
  remote: "set task_distribution_enabled: true",
  off: "set task_distribution_enabled: true",
};
