import type { GatewayHealth } from "../gateway.ts";
import { formatDuration } from "../units.ts";

/** What is worth a word beside how many there are. */
export interface ServingRemarks {
  /** Why it should be restarted. */
  readonly restartNeeded: string | undefined;
  /** Why the configuration that was read last is not in force. */
  readonly configFault: string | undefined;
}

/** `serves on http://127.0.0.1:11435: 3 nodes, 2 rpc backends`, and what somebody should do something about. */
export function describeServing(
  url: string,
  { nodes, rpcBackends, externalCoordinators }: Pick<
    GatewayHealth,
    "nodes" | "rpcBackends" | "externalCoordinators"
  >,
  { restartNeeded, configFault }: ServingRemarks,
): string {
  const counts = [
    counted(nodes, "node"),
    counted(rpcBackends, "rpc backend"),
    ...(externalCoordinators.length > 0 ? [counted(externalCoordinators, "external coordinator")] : []),
  ];
  return [
    `serves on ${url}: ${counts.join(", ")}`,
    ...(restartNeeded === undefined ? [] : [restartNeeded]),
    ...(configFault === undefined ? [] : [`its new configuration was not taken: ${configFault}`]),
  ].join("; ");
}

/** `3 nodes (1 down)`. */
function counted(upstreams: readonly { readonly health: string }[], name: string): string {
  const downCount = upstreams.filter(({ health }) => health === "down").length;
  const total = `${upstreams.length} ${name}${upstreams.length === 1 ? "" : "s"}`;
  return downCount === 0 ? total : `${total} (${downCount} down)`;
}

/** `lets 2 requests finish, at most 30.0 s`. */
export function describeDraining(inFlightCount: number, drainMs: number): string {
  if (inFlightCount === 0) return "shuts down";
  const requests = inFlightCount === 1 ? "1 request" : `${inFlightCount} requests`;
  return `lets ${requests} finish, at most ${formatDuration(drainMs)}`;
}
