import * as z from "zod";
import type { JsonShape } from "../json_shape.ts";
import type { NodeRemoval } from "../node_admin.ts";
import type { NodeView } from "../nodes/node.ts";
import type { NodeOverview } from "./node_table.ts";
import { orUndefined } from "./or_undefined.ts";

const count = z.number().nullish().transform(orUndefined);
const word = z.string().nullish().transform(orUndefined);

const model = z.object({
  key: z.string(),
  name: z.string(),
  digest: z.string(),
  sizeBytes: z.number(),
  quantization: word,
  parameterSize: word,
  family: word,
  modifiedAtMs: z.number(),
  tokensPerSecond: count,
});

const resident = z.object({
  key: z.string(),
  name: z.string(),
  sizeBytes: z.number(),
  vramBytes: z.number(),
  expiresAtMs: z.number().nullish().transform((said) => said ?? Infinity), // JSON has no word for never
});

const state = z.object({
  name: z.string(),
  url: z.string(),
  aliases: z.array(z.string()),
  sources: z.array(z.enum(["config", "environment", "admin", "local"])),
  isLocal: z.boolean(),
  health: z.enum(["unknown", "up", "down"]),
  reason: z.string(),
  ageMs: count,
  breaker: z.enum(["closed", "open", "half-open"]),
  version: word,
  inFlightCount: z.number(),
  slotCount: z.number(),
  weight: z.number(),
  tags: z.array(z.string()),
  allowedModels: z.array(z.string()),
  memoryBytes: count,
  firstTokenMs: count,
  servedCount: z.number(),
  failedCount: z.number(),
  canWake: z.boolean(),
});

const view = state.extend({ models: z.array(model), resident: z.array(resident) });
const summary = state.extend({
  modelCount: z.number(),
  residentCount: z.number(),
  residentBytes: z.number(),
});

const conflict = z.object({
  key: z.string(),
  name: z.string(),
  variants: z.array(z.object({ digest: z.string(), nodes: z.array(z.string()) })),
});

/** How the gateway tells of an Ollama node. Fields of newer versions are left out. */
export const nodeViewShape: JsonShape<NodeView> = view;

/** How it tells of all of them in few words. */
export const nodeOverviewShape: JsonShape<NodeOverview> = z.object({
  nodes: z.array(summary),
  conflicts: z.array(conflict),
});

/** How it tells of all of them, with all that they hold. */
export const nodeListShape: JsonShape<{ readonly nodes: readonly NodeView[] }> = z.object({
  nodes: z.array(view),
});

/** How it tells what became of one that was to be forgotten. */
export const nodeRemovalShape: JsonShape<NodeRemoval> = z.object({
  name: z.string(),
  outcome: z.literal("removed"),
  reason: z.string(),
});
