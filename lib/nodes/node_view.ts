import type { NodeView } from "./node.ts";
import type { NodeRecord } from "./node_record.ts";

/** A node for people. @param nowMs On the monotonic clock. */
export function viewOf(node: NodeRecord, nowMs: number): NodeView {
  const { aliases, sources, allowedModels } = node.settings;
  return {
    name: node.name,
    url: node.url,
    aliases,
    sources,
    isLocal: node.isLocal,
    health: node.health,
    reason: node.reason,
    ageMs: node.pulse.ageMs(nowMs),
    breaker: node.breaker,
    version: node.version,
    inFlightCount: node.inFlightCount,
    slotCount: node.slotCount,
    weight: node.weight,
    tags: node.tags,
    allowedModels,
    memoryBytes: node.memoryBytes,
    firstTokenMs: node.firstTokenMs,
    servedCount: node.servedCount,
    failedCount: node.failedCount,
    models: [...node.models.values()].map((model) => ({
      ...model,
      tokensPerSecond: node.tokensPerSecondOf(model.key),
    })),
    resident: [...node.resident.values()],
    canWake: node.wake !== undefined,
  };
}
