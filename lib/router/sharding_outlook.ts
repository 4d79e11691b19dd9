import type { ModelNeed } from "../nodes/model_need.ts";
import { formatBytes } from "../units.ts";
import { type Demand, type Facts, OUR_COORDINATORS, type RouteRules } from "./decision.ts";
import { describeNeed } from "./node_fit.ts";

/**
 * What speaks against a coordinator of ours. `unsure`, `unavailable` and `failed` are no reason to refuse a request: a
 * load looks for the file, asks all backends again, and tells what is wrong better than we could.
 */
export type ShardingTrouble =
  | "off"
  | "tried"
  | "not_stored"
  | "no_backends"
  | "too_small"
  | "unsure"
  | "unavailable"
  | "failed";

/** Whether a load may still succeed. */
export function isPassing(trouble: ShardingTrouble): boolean {
  return trouble === "unsure" || trouble === "unavailable" || trouble === "failed";
}

/**
 * What speaks against a coordinator of ours: one over rpc backends, or, in mode single, one that has all layers on this
 * host. `undefined` if nothing does. The memory of backends is compared with the weights alone, since a load may settle
 * for less context; and not with a guess.
 */
export function shardingTrouble({ tried }: Demand, facts: Facts): ShardingTrouble | undefined {
  const { rules, sharding, holders, need } = facts;
  if (rules.mode === "distribution") return "off";
  if (tried?.has(OUR_COORDINATORS)) return "tried";
  if (sharding.coordinator === "ready") return undefined;
  // One that is being started while nothing is there to start it on waits for lost backends.
  const isStarting = sharding.coordinator === "starting" && sharding.freeCount + sharding.leasedCount > 0;
  if (isStarting) return undefined;
  if (sharding.isStored === false) return "not_stored";
  if (rules.mode !== "single") {
    if (!(sharding.backendCount > 0)) return "no_backends";
    if (!(sharding.freeCount + sharding.leasedCount > 0)) return "unavailable";
    if (need && need.source !== "name" && need.weightBytes > sharding.usableBytes) return "too_small";
  }
  if (sharding.coordinator === "failed") return "failed";
  return sharding.isStored === undefined && holders.length > 0 ? "unsure" : undefined;
}

/** What speaks against a coordinator of ours, in a clause. */
export function describeTrouble(trouble: ShardingTrouble, { sharding, need, rules }: Facts): string {
  const { backendCount, freeCount, leasedCount, usableBytes } = sharding;
  switch (trouble) {
    case "off":
      return "model sharding is switched off";
    case "tried":
      return "our coordinator of it failed this request a moment ago";
    case "not_stored":
      return backendCount > 0 || rules.mode === "single"
        ? "it is not stored on this host"
        : "it is not stored on this host, and no rpc backend is known";
    case "no_backends":
      return "no rpc backend is known";
    case "too_small":
      return `its weights are ${formatBytes(need?.weightBytes ?? 0)}, and ` +
        `${upOf(freeCount + leasedCount, backendCount)} ${formatBytes(usableBytes)}`;
    case "unsure":
      return "whether it is stored on this host is not known";
    case "unavailable":
      return backendCount === 1
        ? "the one rpc backend is not up and free"
        : `none of ${backendCount} rpc backends is up and free`;
    case "failed":
      return "our coordinator of it failed a short time ago";
  }
}

/** Why a model is to be sharded though a node might hold it, in a clause; `undefined` if it is not. */
export function reasonToShard(
  { profile, shardAboveBytes, distributedThresholdParams }: RouteRules,
  need: ModelNeed | undefined,
): string | undefined {
  if (profile?.requiresDistributed) return "its profile says requires_distributed";
  if (!need) return undefined;
  if (shardAboveBytes !== undefined && need.bytes > shardAboveBytes) {
    return `it needs ${describeNeed(need)}, more than shard_above (${formatBytes(shardAboveBytes)})`;
  }
  const { parameterCount = 0 } = need;
  if (distributedThresholdParams !== undefined && parameterCount > distributedThresholdParams * 1e9) {
    return `it has ${(parameterCount / 1e9).toFixed(1)} billion parameters, more than ` +
      `distributed_threshold_params (${distributedThresholdParams})`;
  }
  return undefined;
}

function upOf(upCount: number, backendCount: number): string {
  if (backendCount === 1) return "the one rpc backend has";
  return upCount < backendCount
    ? `${upCount} of ${backendCount} rpc backends, which are up, have`
    : `${backendCount} rpc backends have`;
}
