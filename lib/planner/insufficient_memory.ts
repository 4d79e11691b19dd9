import { formatBytes } from "../units.ts";
import type { Dealer, Misfit } from "./deal.ts";
import { autoDealer } from "./deal_auto.ts";
import { LayerScale } from "./layer_scale.ts";
import type { PlanBackend, PlanShape, PlanStrategy } from "./plan_input.ts";
import { type RoomSurvey, surveyRooms } from "./room.ts";
import { InsufficientMemoryError, type Shortage } from "./shortage.ts";
import { type FitTest, suggest } from "./suggest.ts";

/** What a model was to be placed on, and how. */
export interface Attempt {
  /** All of them. */
  readonly backends: readonly PlanBackend[];
  /** What was usable of them. */
  readonly survey: RoomSurvey;
  /** How it was asked to be dealt. */
  readonly strategy: PlanStrategy;
  /** Bytes of each memory that are kept free. */
  readonly reserveBytes: number;
  /** Who dealt. */
  readonly dealer: Dealer;
}

/** The error of a model that does not fit, with all that would. */
export function insufficientMemory(
  scale: LayerScale,
  misfit: Misfit,
  attempt: Attempt,
): InsufficientMemoryError {
  const { survey, strategy, reserveBytes } = attempt;
  const wholeBytes = scale.needBytes(0, scale.unitCount) + reserveBytes;
  const { needBytes, freeBytes, missingBytes } = misfit;
  const suggestions = suggest(scale.model, wholeBytes, fitTestOf(attempt));
  const shortage: Shortage = {
    ...{ needBytes, freeBytes, missingBytes },
    ...suggestions,
    fitsWithAuto: strategy !== "auto" && autoDealer.canDeal(scale, survey.rooms),
  };
  return new InsufficientMemoryError(shortage, sentenceOf(scale, misfit, shortage, attempt));
}

/** One backend more changes nothing where the operator names those to use. */
function fitTestOf({ backends, survey, reserveBytes, strategy, dealer }: Attempt): FitTest {
  return (model, another) => {
    if (another === undefined) return dealer.canDeal(new LayerScale(model), survey.rooms);
    if (typeof strategy === "object") return false;
    const { rooms } = surveyRooms([...backends, another], reserveBytes);
    return dealer.canDeal(new LayerScale(model), rooms);
  };
}

function sentenceOf(
  scale: LayerScale,
  misfit: Misfit,
  shortage: Shortage,
  { survey, reserveBytes }: Attempt,
): string {
  const { name, shape } = scale.model;
  const count = new Set(survey.rooms.map(({ backend }) => backend)).size;
  const have = count === 1 ? "1 rpc backend has" : `${count} rpc backends have`;
  const reserve = reserveBytes > 0 ? ` beside a reserve of ${formatBytes(reserveBytes)} each` : "";
  return `Cannot place "${name}": needs ${formatBytes(misfit.needBytes)} with a context of ${
    contextOf(shape)
  } tokens, ${have} ${formatBytes(misfit.freeBytes)} free${reserve}; ${whatIsMissing(scale, misfit)}. ` +
    adviceOf(scale, shortage);
}

function whatIsMissing(scale: LayerScale, { missingBytes, fault }: Misfit): string {
  if (fault !== undefined) return `${fault}; ${formatBytes(missingBytes)} are missing`;
  if (missingBytes > 0) return `${formatBytes(missingBytes)} are missing`;
  const largestBytes = Math.max(
    ...Array.from({ length: scale.unitCount }, (_, unit) => scale.needBytes(unit, unit + 1)),
  );
  return `no split by whole layers fits, as one takes up to ${formatBytes(largestBytes)} with its buffers`;
}

function adviceOf({ model }: LayerScale, shortage: Shortage): string {
  const { fittingContextSize, fittingKvType, fittingFileBytes, neededBackendBytes, fitsWithAuto } = shortage;
  const fitting = [
    ...(fittingContextSize === undefined
      ? []
      : [`with a context of ${contextOf({ ...model.shape, contextSize: fittingContextSize })} tokens`]),
    ...(fittingKvType === undefined ? [] : [`with kv_type ${fittingKvType}`]),
    ...(fitsWithAuto ? ["with placement auto"] : []),
  ];
  const helping = [
    ...(fittingFileBytes === undefined ? [] : [
      `choose a quantisation of at most ${formatBytes(fittingFileBytes)} (this one has ${
        formatBytes(model.fileBytes)
      })`,
    ]),
    ...(neededBackendBytes === undefined
      ? []
      : [`add a backend with ${formatBytes(neededBackendBytes)} free`]),
  ];
  if (fitting.length === 0) {
    return `No context is small enough; ${helping.join(", or ") || "only more memory helps"}`;
  }
  return `It fits ${fitting.join(", or ")}` + (helping.length === 0 ? "" : `; or ${helping.join(", or ")}`);
}

function contextOf({ slotCount, contextSize }: PlanShape): string {
  return slotCount === 1 ? String(contextSize) : `${slotCount} × ${contextSize}`;
}
