import type { ExternalFacts } from "../coordinator/external.ts";
import type { ErrorCode } from "../errors.ts";
import type { Demand } from "./decision.ts";

/** Coordinators that a sentence tells of one by one. */
const TOLD_COUNT = 3;

/** Whether a coordinator that others run serves the model now. */
export function isUsable({ url, health, modelKeys }: ExternalFacts, { key, tried }: Demand): boolean {
  return health === "up" && modelKeys.has(key) && !tried?.has(url);
}

/** Who of these serves the model, which all of them do. */
export function whoServes({ model }: Demand, usable: readonly ExternalFacts[]): string {
  return usable.length === 1
    ? `"${model}" is served by the coordinator at ${usable[0]!.url}`
    : `"${model}" is served by ${usable.length} coordinators that others run`;
}

/** What those that should have served it suffer from; `undefined` if none of them should have. */
export function troubleOutside(demand: Demand, external: readonly ExternalFacts[]): ErrorCode | undefined {
  const expected = external.filter((one) => mayServe(one, demand));
  if (expected.length === 0) return undefined;
  return expected.some(({ health }) => health === "loading") ? "loading" : "backend_unreachable";
}

/** Why none of those serves the model that others run: clauses, each after `; `; empty if there are none. */
export function whyNotOutside(demand: Demand, external: readonly ExternalFacts[]): string {
  const expected = external.filter((one) => mayServe(one, demand));
  const others = external.filter((one) => !mayServe(one, demand));
  const told = expected.slice(0, TOLD_COUNT).map((one) => describeExternal(one, demand));
  const untoldCount = expected.length - told.length;
  if (untoldCount > 0) told.push(`so it is with ${untoldCount} more`);
  if (others.length === 1) told.push(`the coordinator at ${others[0]!.url} does not serve "${demand.model}"`);
  if (others.length > 1) {
    told.push(`${others.length} coordinators that others run do not serve "${demand.model}"`);
  }
  return told.map((clause) => `; ${clause}`).join("");
}

/** How a coordinator that others run stands to a request, in a clause. */
export function describeExternal(external: ExternalFacts, demand: Demand): string {
  return `the coordinator at ${external.url} ${clauseOf(external, demand)}`;
}

function mayServe({ modelKeys, mayServeMore }: ExternalFacts, { key }: Demand): boolean {
  return modelKeys.has(key) || mayServeMore;
}

function clauseOf({ url, health, reason, modelKeys }: ExternalFacts, { key, model, tried }: Demand): string {
  switch (health) {
    case "down":
      return `is down: ${reason}`;
    case "loading":
      return "is loading its model";
    case "unknown":
      return "has not answered yet";
    case "up":
      if (!modelKeys.has(key)) return `does not serve "${model}"`;
      return tried?.has(url) ? "could not be reached a moment ago" : `serves "${model}"`;
  }
}
