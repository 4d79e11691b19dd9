import * as z from "zod";
import type { BackendRemoval } from "../backend_admin.ts";
import type { JsonShape } from "../json_shape.ts";
import type { BackendView } from "../rpc/backend.ts";

const device = z.object({
  index: z.number(),
  name: maybe(z.string()),
  description: maybe(z.string()),
  kind: z.enum(["gpu", "cpu"]),
  freeBytes: z.number(),
  totalBytes: z.number(),
  memoryKey: z.string(),
  temperatureC: maybe(z.number()),
  utilisation: maybe(z.number()),
});

const view = z.object({
  endpoint: z.string(),
  aliases: z.array(z.string()),
  sources: z.array(z.enum(["config", "admin", "worker", "redis"])),
  health: z.enum(["unknown", "up", "held", "down", "mismatch"]),
  reason: z.string(),
  ageMs: maybe(z.number()),
  protocol: maybe(z.string()),
  build: maybe(z.string()),
  devices: z.array(device),
  holder: maybe(z.string()),
  workerName: maybe(z.string()),
  isDraining: z.boolean(),
  limits: z.object({
    memoryLimitBytes: maybe(z.number()),
    isExcluded: z.boolean(),
    bytesPerSecond: maybe(z.number()),
  }),
});

/** How the gateway tells of an rpc backend. Fields of newer versions are left out. */
export const backendViewShape: JsonShape<BackendView> = view;

/** How it tells of all of them. */
export const backendListShape: JsonShape<{ readonly backends: readonly BackendView[] }> = z.object({
  backends: z.array(view),
});

/** How it tells what became of one that was to be forgotten. */
export const backendRemovalShape: JsonShape<BackendRemoval> = z.object({
  outcome: z.enum(["removed", "after release"]),
  reason: z.string(),
});

/** What is not known is `null` on the wire. */
function maybe<T extends z.ZodType>(shape: T) {
  return shape.nullish().transform((said) => said ?? undefined);
}
