import type { ModelNeed } from "../nodes/model_need.ts";
import type { KnownNode } from "../nodes/node.ts";
import { formatBytes } from "../units.ts";

/**
 * How a model stands to the memory of a node. `resident`: it is loaded there. `now`: it fits beside what is loaded.
 * `after_unloading`: it fits once Ollama has unloaded others, which it does by itself. `unknown_memory`, `unknown_need`:
 * nothing speaks against it. `too_small`: it needs more than there is. `refused`: Ollama itself said so.
 */
export type NodeFit =
  | "resident"
  | "now"
  | "after_unloading"
  | "unknown_memory"
  | "unknown_need"
  | "too_small"
  | "refused";

/** How a model stands to the memory of a node. What is loaded fits, whatever the numbers say. */
export function fitOf(node: KnownNode, key: string, need: ModelNeed | undefined): NodeFit {
  if (node.resident.has(key)) return "resident";
  if (node.hasRefused(key)) return "refused";
  if (need === undefined) return "unknown_need";
  const { memoryBytes, residentBytes } = node;
  if (memoryBytes === undefined) return "unknown_memory";
  if (!(need.bytes <= memoryBytes)) return "too_small";
  return need.bytes <= memoryBytes - residentBytes ? "now" : "after_unloading";
}

/** Whether a node can be asked for a model, as far as its memory goes. */
export function canHold(fit: NodeFit): boolean {
  return fit !== "too_small" && fit !== "refused";
}

/** The part of a loaded model that is on GPUs, 0 to 1; 0 where it is not loaded. */
export function vramShareOf(node: KnownNode, key: string): number {
  const resident = node.resident.get(key);
  if (!resident || !(resident.sizeBytes > 0)) return 0;
  return Math.min(Math.max(resident.vramBytes / resident.sizeBytes, 0), 1) || 0;
}

/** How much memory a model takes, and how that is known: `42.1 GiB by its file`. */
export function describeNeed({ bytes, source }: ModelNeed): string {
  return `${formatBytes(bytes)} ${KNOWN_BY[source]}`;
}

const KNOWN_BY: Readonly<Record<ModelNeed["source"], string>> = {
  profile: "by its profile",
  gguf: "by its file",
  show: "by what a node says of it",
  size: "by its size on disk",
  name: "as guessed from its name",
};
