import * as z from "zod";
import type { JsonShape } from "../json_shape.ts";
import type { PlanReport } from "../planner/plan_report.ts";
import { orUndefined } from "./or_undefined.ts";
import { placedDeviceShape } from "./placed_device_shape.ts";
import { shapedBy } from "./shaped_by.ts";

const shortage = z.object({
  needBytes: z.number(),
  freeBytes: z.number(),
  missingBytes: z.number(),
  fittingContextSize: z.number().nullish().transform(orUndefined),
  fittingKvType: z.string().nullish().transform(orUndefined),
  neededBackendBytes: z.number().nullish().transform(orUndefined),
  fittingFileBytes: z.number().nullish().transform(orUndefined),
  fitsWithAuto: z.boolean(),
});

/** How the gateway answers `POST /api/admin/plan`. Fields of newer versions are left out. */
export const planReportShape: JsonShape<PlanReport> = z.object({
  model: z.string(),
  architecture: z.string(),
  fileType: z.string(),
  layerCount: z.number(),
  contextSize: z.number(),
  slotCount: z.number(),
  kvType: z.string(),
  fits: z.boolean(),
  devices: z.array(z.unknown().transform(shapedBy(placedDeviceShape))),
  endpoints: z.array(z.string()),
  tensorSplit: z.array(z.number()),
  hostBytes: z.number(),
  loadMs: z.number().nullable(),
  because: z.string(),
  reasons: z.array(z.string()),
  leftOut: z.array(z.object({
    endpoint: z.string(),
    health: z.enum(["unknown", "up", "held", "down", "mismatch"]),
    reason: z.string(),
  })),
  shortage: shortage.nullable(),
});
