import { formatBytes } from "../units.ts";
import type { Dealer, Misfit } from "./deal.ts";
import { autoDealer } from "./deal_auto.ts";
import { LayerScale } from "./layer_scale.ts";
import type { PlanModel } from "./model_need.ts";
import type { PlanBackend, PlanStrategy } from "./plan_input.ts";
import { hostShareOf, type Room, type RoomSurvey, surveyRooms } from "./room.ts";
import { InsufficientMemoryError, type Shortage } from "./shortage.ts";
import { adviceOf, contextOf, roundUp } from "./shortage_advice.ts";
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
  /** Key of the memory of the coordinator's host, if it is known. */
  readonly hostMemoryKey: string | undefined;
}

/** The error of a model that does not fit, with all that would. */
export function insufficientMemory(
  scale: LayerScale,
  misfit: Misfit,
  attempt: Attempt,
): InsufficientMemoryError {
  const { survey, strategy, reserveBytes } = attempt;
  const wholeBytes = scale.needBytes(0, scale.unitCount) + reserveBytes;
  const { needBytes, freeBytes } = misfit;
  const missingBytes = misfit.missingBytes + reserveShortage(attempt);
  const shortage: Shortage = {
    ...{ needBytes, freeBytes, missingBytes },
    ...suggest(scale.model, wholeBytes, fitTestOf(misfit, attempt)),
    fitsWithAuto: strategy !== "auto" && autoDealer.canDeal(scale, survey.rooms),
  };
  return new InsufficientMemoryError(
    shortage,
    sentenceOf(scale, { ...misfit, missingBytes }, shortage, attempt),
  );
}

/** Where no device has even what is to be kept free: how much of that one lacks at least. */
function reserveShortage({ backends, survey, reserveBytes, hostMemoryKey }: Attempt): number {
  if (survey.rooms.length > 0) return 0;
  const lacks = backends.flatMap(({ devices }) => devices).map(({ freeBytes, memoryKey }) => {
    const keptBytes = reserveBytes + (memoryKey === hostMemoryKey ? survey.hostBytes : 0);
    return Math.max(keptBytes - (Number.isFinite(freeBytes) ? Math.max(freeBytes, 0) : 0), 0);
  });
  return lacks.reduce((least, bytes) => Math.min(least, bytes));
}

/** One backend more changes nothing where the operator names those to use. */
function fitTestOf(misfit: Misfit, attempt: Attempt): FitTest {
  const { reserveBytes, strategy, dealer } = attempt;
  const roomsFor = roomFinder(misfit, attempt);
  return (model, another) => {
    if (another !== undefined && typeof strategy === "object") return false;
    const more = another === undefined ? [] : surveyRooms([another], reserveBytes).rooms;
    return dealer.canDeal(new LayerScale(model), [...roomsFor(model), ...more]);
  };
}

/**
 * Rooms that were too small to be tried still are with another shape. But what the coordinator takes of the memory of
 * its host depends on that.
 */
function roomFinder(
  { rooms }: Misfit,
  { backends, survey, reserveBytes, hostMemoryKey }: Attempt,
): (model: PlanModel) => readonly Room[] {
  if (survey.hostBytes === 0) return () => rooms;
  const tried = new Set(rooms.map(({ backend }) => backend));
  const candidates = backends.filter((backend) =>
    tried.has(backend) || backend.devices.some(({ memoryKey }) => memoryKey === hostMemoryKey)
  );
  return (model) => surveyRooms(candidates, reserveBytes, hostShareOf(model, hostMemoryKey)).rooms;
}

function sentenceOf(
  scale: LayerScale,
  misfit: Misfit,
  shortage: Shortage,
  attempt: Attempt,
): string {
  const { name, shape } = scale.model;
  return `Cannot place "${name}": needs ${formatBytes(misfit.needBytes)} with a context of ${
    contextOf(shape)
  } tokens, ${whoHas(misfit, attempt)} ${formatBytes(misfit.freeBytes)} free${besideWhat(attempt)}; ${
    whatIsMissing(scale, misfit)
  }. ` + adviceOf(scale.model, shortage);
}

function whoHas({ rooms }: Misfit, { survey, strategy }: Attempt): string {
  if (rooms.length < survey.rooms.length) {
    return typeof strategy === "object"
      ? `the ${
        rooms.length === 1 ? "device that is named has" : `${rooms.length} devices that are named have`
      }`
      : `the ${rooms.length} largest of ${survey.rooms.length} devices (no more can be used at once) have`;
  }
  const count = new Set(rooms.map(({ backend }) => backend)).size;
  return count === 1 ? "1 rpc backend has" : `${count} rpc backends have`;
}

function besideWhat({ survey: { hostBytes }, reserveBytes }: Attempt): string {
  const kept = [
    ...(reserveBytes > 0 ? [`a reserve of ${formatBytes(reserveBytes)} each`] : []),
    ...(hostBytes > 0 ? [`${formatBytes(hostBytes)} for the coordinator itself`] : []),
  ];
  return kept.length === 0 ? "" : ` beside ${kept.join(" and ")}`;
}

function whatIsMissing(
  scale: LayerScale,
  { needBytes, freeBytes, missingBytes, fault, place }: Misfit,
): string {
  const missing = `${formatBytes(roundUp(missingBytes))} are missing`;
  if (fault !== undefined) return `${fault}; ${missing}`;
  const where = place === undefined ? missing : `on the largest device, ${place}, ${missing}`;
  if (needBytes > freeBytes) return where;
  const largestBytes = Math.max(
    ...Array.from({ length: scale.unitCount }, (_, unit) => scale.needBytes(unit, unit + 1)),
  );
  return `no split by whole layers fits, as one takes up to ${
    formatBytes(largestBytes)
  } with its buffers; ${where}`;
}
