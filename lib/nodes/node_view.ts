import type { NodeState, NodeSummary, NodeView } from "./node.ts";
import type { NodeRecord } from "./node_record.ts";

/** A node for people, with all that it holds. @param nowMs On the monotonic clock. */
export function viewOf(node: NodeRecord, nowMs: number): NodeView {
  return {
    ...stateOf(node, nowMs),
    models: [...node.models.values()].map((model) => {
      const tokensPerSecond = node.tokensPerSecondOf(model.key);
      return tokensPerSecond === undefined ? model : { ...model, tokensPerSecond }; // most are as they are: no copies
    }),
    resident: [...node.resident.values()],
  };
}

/** A node for people, in few words. @param nowMs On the monotonic clock. */
export function summaryOf(node: NodeRecord, nowMs: number): NodeSummary {
  return {
    ...stateOf(node, nowMs),
    modelCount: node.models.size,
    residentCount: node.resident.size,
    residentBytes: node.residentBytes,
  };
}

/** A node in few words, of which all is told. */
export function shortened({ models, resident, ...state }: NodeView): NodeSummary {
  return {
    ...state,
    modelCount: models.length,
    residentCount: resident.length,
    residentBytes: resident.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  };
}

function stateOf(node: NodeRecord, nowMs: number): NodeState {
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
    canWake: node.wake !== undefined,
  };
}
