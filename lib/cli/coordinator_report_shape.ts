import * as z from "zod";
import type { CoordinatorReport } from "../coordinator_admin.ts";
import type { JsonShape } from "../json_shape.ts";
import type { LoadProgress } from "../pool/pooled.ts";
import { orUndefined } from "./or_undefined.ts";
import { placedDeviceShape } from "./placed_device_shape.ts";
import { shapedBy } from "./shaped_by.ts";

const count = z.number().nullish().transform(orUndefined);

/** Where a coordinator is in its life, as the gateway writes it. */
export const coordinatorStateShape: JsonShape<CoordinatorReport["state"]> = z.enum([
  "stopped",
  "starting",
  "ready",
  "draining",
  "failed",
]);

/** What one that is starting does, as the gateway writes it. */
export const startPhaseShape: JsonShape<NonNullable<CoordinatorReport["phase"]>> = z.enum([
  "preparing",
  "waiting for room",
  "loading",
  "backing off",
]);

/** How far a load has come, as the gateway writes it. */
export const loadProgressShape: JsonShape<LoadProgress> = z.object({
  stage: z.enum(["connecting", "loading", "warming up"]),
  sentBytes: count,
  totalBytes: count,
});

const progress = z.unknown().transform(shapedBy(loadProgressShape));
const placedDevice = z.unknown().transform(shapedBy(placedDeviceShape));
const bytes = z.object({ weightBytes: z.number(), kvBytes: z.number(), computeBytes: z.number() });

const placement = z.object({
  devices: z.array(z.intersection(placedDevice, z.object({ actual: bytes }))),
  hostModelBytes: z.number(),
  because: z.string(),
});

const report = z.object({
  id: z.string(),
  key: z.string(),
  model: z.string(),
  state: z.unknown().transform(shapedBy(coordinatorStateShape)),
  phase: z.unknown().transform(shapedBy(startPhaseShape)).nullish().transform(orUndefined),
  because: z.string(),
  progress: progress.nullish().transform(orUndefined),
  inFlightCount: z.number(),
  slotCount: count,
  waitingCount: z.number(),
  endpoints: z.array(z.string()),
  loadMs: count,
  upMs: count,
  expiresInMs: z.number().nullish(),
  isPinned: z.boolean(),
  failures: z.array(z.object({ at: z.string(), reason: z.string() })),
  restartCount: z.number(),
  pid: count,
  contextSize: count,
  placement: placement.nullish().transform(orUndefined),
  tokensPerSecond: count,
  lastLines: z.array(z.string()),
}).transform((said) => ({ ...said, expiresInMs: said.expiresInMs ?? (isIdle(said) ? null : undefined) }));

/** How the gateway tells of a coordinator. Fields of newer versions are left out. */
export const coordinatorReportShape: JsonShape<CoordinatorReport> = report;

/** How it tells of all of them. */
export const coordinatorListShape: JsonShape<{ readonly coordinators: readonly CoordinatorReport[] }> = z
  .object({ coordinators: z.array(report) });

/** On the wire `null` is both never and not now; only one that is idle can expire. */
function isIdle(
  { state, inFlightCount, waitingCount }: Pick<
    CoordinatorReport,
    "state" | "inFlightCount" | "waitingCount"
  >,
): boolean {
  return state === "ready" && inFlightCount === 0 && waitingCount === 0;
}
