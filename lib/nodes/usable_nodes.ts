import type { Config } from "../config/config.ts";
import type { ListenAddress } from "../config/listen_address.ts";
import { REFUSED_ADDRESS_ADVICE } from "../net/refused_address.ts";
import { type NamedNode, settleNodes } from "./named_nodes.ts";
import type { NodeIdentity } from "./node_identity.ts";
import type { NodePlaces } from "./node_places.ts";
import type { NodeSettings } from "./node_settings.ts";
import type { UnusedNode } from "./unused_node.ts";

/** What of the configuration says which nodes there are. */
export type NodeConfig = Pick<Config, "listen" | "nodes" | "ollamaNodes" | "taskDistributionEnabled">;

/** Why a node is not used where requests are not distributed, in a clause. */
export const SWITCHED_OFF =
  "task_distribution_enabled is off, and it is not on this host; switch that on to use it";

/** The nodes that may be used, and those that may not, with the reason. Those of which nobody knows yet are in neither. */
export function usableNodes(
  named: readonly NamedNode[],
  places: Pick<NodePlaces, "has" | "of" | "serverOf">,
  config: NodeConfig,
): { used: NodeSettings[]; unused: UnusedNode[] } {
  const settled = settleNodes(named.filter(({ url }) => places.has(url)), {
    serverOf: (url) => places.serverOf(url),
    isLocal: (url) => places.of(url)?.isLocal ?? false,
    slotCount: config.nodes.slotCount,
  });
  const judged = settled.map((settings) => ({
    settings,
    why: whyUnused(settings, places.of(settings.url), config),
  }));
  return {
    used: judged.flatMap(({ settings, why }) => why ? [] : [settings]),
    unused: judged.flatMap(({ settings, why }) => why && !why.isMeantForOthers ? [{ settings, ...why }] : []),
  };
}

/** Why no node may be there, in a clause; `undefined` if one may. */
export function faultOf({ refused, ...identity }: NodeIdentity, listen: ListenAddress): string | undefined {
  if (refused !== undefined) return `its name leads to ${refused}; ${REFUSED_ADDRESS_ADVICE}`;
  return isOurs(identity, listen) ? "it is this gateway itself; name Ollama's own address" : undefined;
}

function whyUnused(
  { isLocal, sources }: NodeSettings,
  identity: NodeIdentity | undefined,
  { listen, taskDistributionEnabled }: NodeConfig,
): Pick<UnusedNode, "health" | "reason"> & { isMeantForOthers: boolean } | undefined {
  const fault = identity && faultOf(identity, listen);
  if (fault !== undefined) {
    // who sets OLLAMA_HOST to us wants Ollama's programs to use us
    const isMeantForOthers = sources.join() === "environment" && isOurs(identity!, listen);
    return { health: "down", reason: fault, isMeantForOthers };
  }
  if (taskDistributionEnabled || isLocal) return undefined;
  return { health: "unknown", reason: `it is not used: ${SWITCHED_OFF}`, isMeantForOthers: false };
}

function isOurs({ isLocal, address, port }: Omit<NodeIdentity, "refused">, listen: ListenAddress): boolean {
  return isLocal && port === listen.port && isListenedTo(listen.hostname, address);
}

/** Whether a socket that listens at a host name or address takes connections to an address of this host. */
function isListenedTo(hostname: string, address: string): boolean {
  if (hostname === "0.0.0.0" || hostname === "::" || hostname === address) return true;
  return hostname === "localhost" && (address === "::1" || address.startsWith("127."));
}
