import * as z from "zod";
import type { BackendRemoval } from "../backend_admin.ts";
import type { JsonShape } from "../json_shape.ts";
import type { BackendView } from "../rpc/backend.ts";
import { orUndefined } from "./or_undefined.ts";

const device = z.object({
  index: z.number(),
  name: z.string().nullish().transform(orUndefined),
  description: z.string().nullish().transform(orUndefined),
  kind: z.enum(["gpu", "cpu"]),
  freeBytes: z.number(),
  totalBytes: z.number(),
  memoryKey: z.string(),
  temperatureC: z.number().nullish().transform(orUndefined),
  utilisation: z.number().nullish().transform(orUndefined),
});

const view = z.object({
  endpoint: z.string(),
  aliases: z.array(z.string()),
  sources: z.array(z.enum(["config", "admin", "worker", "redis"])),
  health: z.enum(["unknown", "up", "held", "down", "mismatch"]),
  reason: z.string(),
  ageMs: z.number().nullish().transform(orUndefined),
  protocol: z.string().nullish().transform(orUndefined),
  build: z.string().nullish().transform(orUndefined),
  devices: z.array(device),
  holder: z.string().nullish().transform(orUndefined),
  workerName: z.string().nullish().transform(orUndefined),
  isDraining: z.boolean(),
  limits: z.object({
    memoryLimitBytes: z.number().nullish().transform(orUndefined),
    isExcluded: z.boolean(),
    bytesPerSecond: z.number().nullish().transform(orUndefined),
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
