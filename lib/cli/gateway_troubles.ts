import type { CoordinatorReport } from "../coordinator_admin.ts";
import type { ExternalView } from "../coordinator/external.ts";
import type { NodeView } from "../nodes/node.ts";
import type { BackendView } from "../rpc/backend.ts";
import { breakerRemarks } from "./node_table.ts";
import type { GatewayState } from "./gateway_health_shape.ts";

/** All that a gateway tells of itself and of those that it works with. */
export interface GatewayStatus extends GatewayState {
  /** Where it is, for people. */
  readonly url: string;
  /** The Ollama nodes that it knows. */
  readonly nodes: readonly NodeView[];
  /** The rpc backends that it knows. */
  readonly rpcBackends: readonly BackendView[];
  /** Its own. */
  readonly coordinators: readonly CoordinatorReport[];
  /** Those that others run. */
  readonly externalCoordinators: readonly ExternalView[];
}

/** What is wrong there, each as a sentence that says what to do; empty if it is sound. Who was not asked yet is not wrong. */
export function troublesOf(status: GatewayStatus): string[] {
  return [
    ...nobodyThere(status),
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

/** One that can be woken may sleep. */
function nodeTroubles(view: NodeView): string[] {
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
