import type { NodeHealth, NodeView } from "./node.ts";
import type { NodeSettings } from "./node_settings.ts";

/** A node that was named but is not used, for people. */
export interface UnusedNode {
  /** What is said of it. */
  readonly settings: NodeSettings;
  /** `down` if that is a fault, `unknown` if it is as the operator wants it. */
  readonly health: NodeHealth;
  /** Why it is not used, and what to do, in a clause. */
  readonly reason: string;
}

/** As the registry would show it, with nothing known of it. */
export function viewOfUnused({ settings, health, reason }: UnusedNode): NodeView {
  const { name, url, aliases, sources, isLocal, slotCount, weight, tags, allowedModels, memoryBytes, wake } =
    settings;
  return {
    name,
    url,
    aliases,
    sources,
    isLocal,
    health,
    reason,
    ageMs: undefined,
    breaker: "closed",
    version: undefined,
    inFlightCount: 0,
    slotCount,
    weight,
    tags,
    allowedModels,
    memoryBytes,
    firstTokenMs: undefined,
    servedCount: 0,
    failedCount: 0,
    models: [],
    resident: [],
    canWake: wake !== undefined,
  };
}
