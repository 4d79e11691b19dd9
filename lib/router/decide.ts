import type { ErrorCode } from "../errors.ts";

/** What is asked for. */
export interface Demand {
  /** The model's name as people read it. */
  readonly model: string;
  /** The model's canonical key. */
  readonly key: string;
}

/** What is known of a llama-server that somebody else started (`coordinator_url`). */
export interface ExternalFacts {
  /** As it was configured. */
  readonly url: string;
  /** `unknown` until it was asked once; only `down` excludes it. */
  readonly health: "unknown" | "up" | "down";
  /** Why it is not up. */
  readonly reason: string;
  /** Canonical keys of the models that it serves. */
  readonly modelKeys: ReadonlySet<string>;
}

/** All that a decision rests on: cached facts, no probe. */
export interface Facts {
  /** The operator's `model_sharding_enabled`. */
  readonly shardingEnabled: boolean;
  /** How many rpc backends are known, whatever their health: a load asks them itself. */
  readonly rpcBackendCount: number;
  /** `undefined` if no `coordinator_url` is configured. */
  readonly external: ExternalFacts | undefined;
}

/** Where a request goes, with the sentence that explains it. */
export type Decision =
  | { readonly to: "coordinator"; readonly because: string }
  | { readonly to: "external"; readonly because: string }
  | { readonly to: "nowhere"; readonly code: ErrorCode; readonly because: string };

/** Where a request goes. Pure: the same facts give the same decision; no clock, socket or log. */
export function decide(demand: Demand, facts: Facts): Decision {
  const { external } = facts;
  const isServedOutside = external?.modelKeys.has(demand.key) ?? false;
  if (external && isServedOutside && external.health !== "down") {
    return { to: "external", because: `"${demand.model}" is served by the coordinator at ${external.url}` };
  }
  const outside = external ? `; ${whyNotOutside(demand, external)}` : "";
  const refuse = (cause: string, cure: string): Decision => ({
    to: "nowhere",
    code: external?.health === "down" ? "backend_unreachable" : "no_capacity",
    because: `Cannot serve "${demand.model}": ${cause}${outside}; ${cure}`,
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
  return { to: "coordinator", because: `"${demand.model}" is sharded over rpc backends${outside}` };
}

function whyNotOutside(demand: Demand, external: ExternalFacts): string {
  if (external.health === "down") return `the coordinator at ${external.url} is down: ${external.reason}`;
  return `the coordinator at ${external.url} does not serve "${demand.model}"`;
}
