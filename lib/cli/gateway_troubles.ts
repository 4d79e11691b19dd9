import type { CoordinatorReport } from "../coordinator_admin.ts";
import type { ExternalView } from "../coordinator/external.ts";
import type { NodeSummary } from "../nodes/node.ts";
import type { BackendView } from "../rpc/backend.ts";
import type { GatewayState } from "./gateway_health_shape.ts";
import type { ListedModel } from "./listed_model_shape.ts";
import { breakerRemarks } from "./node_table.ts";

/** All that a gateway tells of itself and of those that it works with. */
export interface GatewayStatus extends GatewayState {
  /** Where it is, for people. */
  readonly url: string;
  /** The Ollama nodes that it knows. */
  readonly nodes: readonly NodeSummary[];
  /** The rpc backends that it knows. */
  readonly rpcBackends: readonly BackendView[];
  /** Its own. */
  readonly coordinators: readonly CoordinatorReport[];
  /** Those that others run. */
  readonly externalCoordinators: readonly ExternalView[];
  /** What can be asked for there. */
  readonly models: readonly ListedModel[];
}

/** What is wrong there, each as a sentence that says what to do; empty if it is sound. Who was not asked yet is not wrong. */
export function troublesOf(status: GatewayStatus): string[] {
  const nobody = nobodyThere(status);
  return [
    ...nobody,
    ...(nobody.length === 0 ? nothingToServe(status) : []),
    ...(status.restartNeeded === undefined ? [] : [`The gateway ${status.restartNeeded}`]),
    ...status.models.flatMap(aliasTroubles),
    ...status.nodes.flatMap(nodeTroubles),
    ...status.rpcBackends.flatMap(backendTroubles),
    ...status.coordinators.filter(({ state }) => state === "failed")
      .map(({ model, because }) => `Model ${model} is not served: ${because}`),
    ...status.externalCoordinators.filter(({ health }) => health === "down")
      .map(({ url, reason }) => `Coordinator ${url} is down: ${reason}`),
  ];
}

/** Alone it can answer only by a llama-server on its own host, which it starts for the first request. */
function nobodyThere(
  { mode, nodes, rpcBackends, coordinators, externalCoordinators }: GatewayStatus,
): string[] {
  const all = [nodes, rpcBackends, coordinators, externalCoordinators];
  if (mode === "single" || all.some(({ length }) => length > 0)) return [];
  return [
    "There is nobody to answer: no Ollama node, rpc backend or coordinator is known; start Ollama on this host, or add " +
    'others with "sollol nodes --add URL" and "sollol register HOST:PORT"',
  ];
}

/** Somebody could answer, if there were a model; who is down or was not asked yet may have some. */
function nothingToServe({ models, nodes, externalCoordinators }: GatewayStatus): string[] {
  const isSilent = nodes.some(({ health }) => health !== "up") ||
    externalCoordinators.some(({ health }) => health !== "up");
  if (models.length > 0 || isSilent) return [];
  return [
    'There is no model to ask for: pull one with "ollama pull" on a node or on the gateway\'s host, or say by models ' +
    "(--models) where that host has GGUF files",
  ];
}

/** Where somebody has the model, what keeps it from being served passes, or is told of that node. */
function aliasTroubles({ id, isAvailable, because, nodes, aliasOf }: ListedModel): string[] {
  if (isAvailable || aliasOf === undefined || nodes.length > 0) return [];
  return [`Alias ${id} is not served: ${because}; pull that model, or change aliases`];
}

/** One that can be woken may sleep. */
function nodeTroubles(view: NodeSummary): string[] {
  const isMissed = view.health === "down" && !view.canWake;
  return [
    ...(isMissed ? [`Node ${view.name} is down: ${view.reason}`] : []),
    ...(view.health === "up" ? breakerRemarks(view).map((remark) => `Node ${remark}`) : []),
  ];
}

function backendTroubles({ endpoint, health, reason, holder, limits }: BackendView): string[] {
  if (limits.isExcluded || holder !== undefined || health === "up" || health === "unknown") return [];
  return [reason.includes(endpoint) ? reason : `Rpc backend ${endpoint} is ${health}: ${reason}`];
}
