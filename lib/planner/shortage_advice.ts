import { formatBytes, GIB, MIB } from "../units.ts";
import type { PlanModel } from "./model_need.ts";
import type { PlanShape } from "./plan_input.ts";
import type { Shortage } from "./shortage.ts";

/** What helps beside what a {@linkcode Shortage} knows; parts of a sentence. */
export interface FurtherAdvice {
  /** What would fit as well, such as `with 1 slot`. */
  readonly fitting?: readonly string[];
  /** What else to do, such as `add RAM`. */
  readonly helping?: readonly string[];
}

/** What to do about a model that does not fit, in one sentence without its full stop. */
export function adviceOf(
  { shape, fileBytes }: Pick<PlanModel, "shape" | "fileBytes">,
  shortage: Shortage,
  further: FurtherAdvice = {},
): string {
  const { fittingContextSize, fittingKvType, fittingFileBytes, neededBackendBytes, fitsWithAuto } = shortage;
  const fitting = [
    ...(fittingContextSize === undefined
      ? []
      : [`with a context of ${contextOf({ ...shape, contextSize: fittingContextSize })} tokens`]),
    ...(further.fitting ?? []),
    ...(fittingKvType === undefined ? [] : [`with kv_type ${fittingKvType}`]),
    ...(fitsWithAuto ? ["with placement auto"] : []),
  ];
  const helping = [
    ...(fittingFileBytes === undefined ? [] : [
      `choose a quantisation of at most ${formatBytes(fittingFileBytes)} (this one has ${
        formatBytes(fileBytes)
      })`,
    ]),
    ...(neededBackendBytes === undefined
      ? []
      : [`add a backend with ${formatBytes(neededBackendBytes)} free`]),
    ...(further.helping ?? []),
  ];
  if (fitting.length === 0) {
    return `No context is small enough; ${helping.join(", or ") || "only more memory helps"}`;
  }
  return `It fits ${fitting.join(", or ")}` + (helping.length === 0 ? "" : `; or ${helping.join(", or ")}`);
}

/** The context of all slots: `4096`, `2 × 4096`. */
export function contextOf({ slotCount, contextSize }: PlanShape): string {
  return slotCount === 1 ? String(contextSize) : `${slotCount} × ${contextSize}`;
}

/** Missing bytes, rounded up so that what a person reads is enough: one decimal. */
export function roundUp(bytes: number): number {
  const stepBytes = (bytes < GIB ? MIB : GIB) / 10;
  return Math.ceil((bytes - 1) / stepBytes) * stepBytes; // a byte less, lest 1.0 becomes 1.1 by a rounding error
}
