import type { ModelNeed } from "../nodes/model_need.ts";
import type { KnownNode } from "../nodes/node.ts";
import { formatBytes } from "../units.ts";
import type { Demand } from "./decision.ts";
import type { NodeFit } from "./node_fit.ts";

/** How a model would sit on a node: `"llama3.1:8b" (5.3 GiB) is loaded on gpu1, 1 of 4 slots in use`. */
export function describeSeat(
  node: KnownNode,
  fit: NodeFit,
  { model, key }: Demand,
  need: ModelNeed | undefined,
): string {
  const bytes = need?.bytes ?? node.resident.get(key)?.sizeBytes;
  const guess = need?.source === "name" ? ", as guessed from its name" : "";
  const what = bytes === undefined ? `"${model}"` : `"${model}" (${formatBytes(bytes)}${guess})`;
  return `${what} ${whereOf(node, fit)}, ${node.inFlightCount} of ${node.slotCount} slots in use`;
}

function whereOf({ name, memoryBytes = 0 }: KnownNode, fit: NodeFit): string {
  switch (fit) {
    case "resident":
      return `is loaded on ${name}`;
    case "now":
      return `fits ${name} (${formatBytes(memoryBytes)})`;
    case "after_unloading":
      return `fits ${name} (${formatBytes(memoryBytes)}) once others are unloaded there`;
    case "unknown_memory":
      return `is held by ${name}, whose memory is not known`;
    case "unknown_need":
      return `is held by ${name}, what it needs is not known`;
    case "too_small":
    case "refused":
      return `does not fit ${name}`;
  }
}
