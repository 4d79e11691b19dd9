import type { ExternalFacts } from "../coordinator/external.ts";
import type { ErrorCode } from "../errors.ts";

/** What is asked for. */
export interface Demand {
  /** The model's name as people read it. */
  readonly model: string;
  /** The model's canonical key. */
  readonly key: string;
  /** URLs of coordinators of others that this request could not reach: they are not chosen again. */
  readonly tried?: ReadonlySet<string> | undefined;
}

/** All that a decision rests on: cached facts, no probe. */
export interface Facts {
  /** The operator's `model_sharding_enabled`. */
  readonly shardingEnabled: boolean;
  /** How many rpc backends are known, whatever their health: a load asks them itself. */
  readonly rpcBackendCount: number;
  /** The llama-servers that others run (`coordinator_url`, `coordinators`). */
  readonly external: readonly ExternalFacts[];
}

/** Why a request is refused. */
export interface Refusal {
  /** What kind of refusal it is. */
  readonly code: ErrorCode;
  /** One sentence for the client. */
  readonly because: string;
}

/** Where a request goes, with the sentence that explains it. */
export type Decision =
  | { readonly to: "external"; readonly because: string }
  | {
    readonly to: "coordinator";
    readonly because: string;
    /** What to answer if our store has no such model: one of others' coordinators serves it, or may, but not now. */
    readonly unlessStored: Refusal | undefined;
  }
  | { readonly to: "nowhere"; readonly unlessStored: Refusal | undefined } & Refusal;

/** Coordinators that a sentence tells of one by one. */
const TOLD_COUNT = 3;

/** Where a request goes. Pure: the same facts give the same decision; no clock, socket or log. */
export function decide(demand: Demand, facts: Facts): Decision {
  const usable = facts.external.filter((one) => isUsable(one, demand));
  if (usable.length > 0) return { to: "external", because: whoServes(demand, usable) };
  const outside = whyNotOutside(demand, facts.external);
  const trouble = troubleOf(demand, facts.external);
  const unlessStored = trouble && {
    code: trouble,
    because: `Cannot serve "${demand.model}": no such model is stored here${outside}`,
  };
  const refuse = (cause: string, cure: string): Decision => ({
    to: "nowhere",
    code: trouble ?? "no_capacity",
    because: `Cannot serve "${demand.model}": ${cause}${outside}; ${cure}`,
    unlessStored,
  });
  if (!facts.shardingEnabled) {
    return refuse("model sharding is switched off", "set model_sharding_enabled: true");
  }
  if (facts.rpcBackendCount === 0) {
    return refuse(
      "no rpc backend is known",
      "start ggml-rpc-server on a machine and register it: sollol register HOST:PORT",
    );
  }
  return {
    to: "coordinator",
    because: `"${demand.model}" is sharded over rpc backends${outside}`,
    unlessStored,
  };
}

function isUsable({ url, health, modelKeys }: ExternalFacts, { key, tried }: Demand): boolean {
  return health === "up" && modelKeys.has(key) && !tried?.has(url);
}

function mayServe({ modelKeys, mayServeMore }: ExternalFacts, { key }: Demand): boolean {
  return modelKeys.has(key) || mayServeMore;
}

function whoServes({ model }: Demand, usable: readonly ExternalFacts[]): string {
  return usable.length === 1
    ? `"${model}" is served by the coordinator at ${usable[0]!.url}`
    : `"${model}" is served by ${usable.length} coordinators that others run`;
}

/** What those that should have served it suffer from; `undefined` if none of them should have. */
function troubleOf(demand: Demand, external: readonly ExternalFacts[]): ErrorCode | undefined {
  const expected = external.filter((one) => mayServe(one, demand));
  if (expected.length === 0) return undefined;
  return expected.some(({ health }) => health === "loading") ? "loading" : "backend_unreachable";
}

function whyNotOutside(demand: Demand, external: readonly ExternalFacts[]): string {
  const expected = external.filter((one) => mayServe(one, demand));
  const others = external.filter((one) => !mayServe(one, demand));
  const told = expected.slice(0, TOLD_COUNT).map((one) => troubleWith(one, demand));
  const untoldCount = expected.length - told.length;
  if (untoldCount > 0) told.push(`so it is with ${untoldCount} more`);
  if (others.length === 1) told.push(`the coordinator at ${others[0]!.url} does not serve "${demand.model}"`);
  if (others.length > 1) {
    told.push(`${others.length} coordinators that others run do not serve "${demand.model}"`);
  }
  return told.map((sentence) => `; ${sentence}`).join("");
}

function troubleWith({ url, health, reason }: ExternalFacts, demand: Demand): string {
  switch (health) {
    case "down":
      return `the coordinator at ${url} is down: ${reason}`;
    case "loading":
      return `the coordinator at ${url} is loading its model`;
    case "unknown":
      return `the coordinator at ${url} has not answered yet`;
    case "up":
      return demand.tried?.has(url)
        ? `the coordinator at ${url} could not be reached a moment ago`
        : `the coordinator at ${url} does not serve "${demand.model}"`;
  }
}
