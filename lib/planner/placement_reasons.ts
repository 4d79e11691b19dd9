import { formatBytes } from "../units.ts";
import type { Deal } from "./deal.ts";
import type { PlanModel } from "./model_need.ts";
import type { PlanBackend, PlanStrategy } from "./plan_input.ts";
import type { Placement } from "./placement.ts";
import { placeOf, type RoomSurvey } from "./room.ts";

/** More than these are counted, not named. */
const MAX_NAMED = 8;

/** What the reasons of a placement are told from. */
export interface ReasonFacts {
  /** What was placed. */
  readonly model: PlanModel;
  /** What it could have been placed on. */
  readonly backends: readonly PlanBackend[];
  /** What was usable of it. */
  readonly survey: RoomSurvey;
  /** How it was asked to be dealt. */
  readonly strategy: PlanStrategy;
  /** What was kept free. */
  readonly reserveBytes: number;
  /** What the coordinator's host has available; `undefined` if nobody told. */
  readonly hostFreeBytes: number | undefined;
  /** How it was dealt. */
  readonly deal: Deal;
  /** Where it went. */
  readonly placement: Omit<Placement, "reasons">;
}

/** Why a placement is as it is, in sentences: why these backends, what was left out, and what to mind. */
export function reasonsOf(facts: ReasonFacts): string[] {
  return [
    whyThese(facts),
    ...whyNotOthers(facts),
    ...facts.deal.reasons,
    ...facts.survey.notes,
    ...sharedMemory(facts),
    ...aboutMemory(facts),
    ...aboutHost(facts),
    ...aboutModel(facts.model),
  ];
}

function whyThese({ strategy, placement }: ReasonFacts): string {
  const names = list(placement.endpoints);
  if (strategy === "even") return `Dealt evenly, as asked, over ${names}`;
  if (strategy !== "auto") return "Dealt as the operator said";
  return placement.endpoints.length === 1
    ? `${names} holds the whole model: one network hop`
    : `${placement.endpoints.length} are the fewest rpc backends that hold the model, so the fewest network hops: ${names}`;
}

function whyNotOthers({ survey, placement, strategy }: ReasonFacts): string[] {
  const idle = survey.rooms.filter(({ device }) =>
    !placement.devices.some(({ endpoint, deviceIndex }) =>
      endpoint === device.endpoint && deviceIndex === device.deviceIndex
    )
  );
  if (idle.length === 0) return [];
  const named = idle.map(({ device, backend }) =>
    `${placeOf(device, backend)} (${device.kind}, ${formatBytes(device.freeBytes)} free)`
  );
  const why = strategy === "auto" ? "Not needed" : "Left out";
  return [`${why}: ${list(named)}`];
}

function sharedMemory({ survey, placement }: ReasonFacts): string[] {
  const used = survey.rooms.filter(({ backend }) => placement.endpoints.includes(backend.endpoint));
  return [...Map.groupBy(used, ({ device }) => device.memoryKey).values()]
    .filter((rooms) => rooms.length > 1)
    .map((rooms) =>
      `${
        list(rooms.map(({ device, backend }) => placeOf(device, backend)))
      } share their memory: it counts once`
    );
}

function aboutMemory({ reserveBytes, backends, survey, placement }: ReasonFacts): string[] {
  const used = new Set(placement.endpoints);
  const limited = backends.filter(({ endpoint, memoryLimitBytes }) =>
    used.has(endpoint) && memoryLimitBytes !== undefined
  );
  const optimists = survey.rooms.filter(({ device }) =>
    used.has(device.endpoint) && device.kind === "cpu" && device.freeBytes >= device.totalBytes
  );
  return [
    ...(reserveBytes > 0 ? [`${formatBytes(reserveBytes)} of each memory is kept free`] : []),
    ...limited.map(({ endpoint, memoryLimitBytes }) =>
      `${endpoint} is limited to ${formatBytes(memoryLimitBytes!)}`
    ),
    ...optimists.map(({ device, backend }) =>
      `${placeOf(device, backend)} counts all RAM of its host as free, as CPUs do that no worker measures: ` +
      "leave room for what else runs there"
    ),
  ];
}

function aboutHost({ model, placement: { hostBytes }, hostFreeBytes = Infinity }: ReasonFacts): string[] {
  if (hostBytes === 0) return [];
  const { embeddingBytes } = model;
  return [
    `${formatBytes(embeddingBytes)} of embeddings and ${
      formatBytes(hostBytes - embeddingBytes)
    } for computing ` +
    "stay on the coordinator's host",
    ...(hostBytes > hostFreeBytes
      ? [
        `The coordinator's host has only ${formatBytes(hostFreeBytes)} available for these ` +
        `${formatBytes(hostBytes)}: it may swap; free memory there, or lower the context or the slots`,
      ]
      : []),
  ];
}

function aboutModel({ shape, trainedContextSize, computeCorrection }: PlanModel): string[] {
  return [
    ...(trainedContextSize > 0 && shape.contextSize > trainedContextSize
      ? [
        `A context of ${shape.contextSize} tokens is above the ${trainedContextSize} that it was trained with: ` +
        "answers get worse beyond",
      ]
      : []),
    ...(computeCorrection === 1
      ? []
      : [`Compute buffers are estimated × ${computeCorrection.toFixed(2)}, as earlier loads taught`]),
  ];
}

function list(names: readonly string[]): string {
  const more = names.length - MAX_NAMED;
  return names.slice(0, MAX_NAMED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
