import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import type { ExternalFacts } from "../coordinator/external.ts";
import type { ModelNeed } from "../nodes/model_need.ts";
import type { NodePool } from "../nodes/node.ts";
import type { PoolView } from "../pool/pooled.ts";
import type { BackendView } from "../rpc/backend.ts";
import type { Facts, Mode, RouteRules, ShardingFacts } from "./decision.ts";
import { profileOf, withProfile } from "./model_profile.ts";

/** For how long the sums over all rpc backends are taken as true: they are not made anew for each request, ms. */
const SUMS_FRESH_MS = 100;

/** Where the facts of a decision come from; all of it is memory, nobody is asked. */
export interface RouteFactsParts {
  /** The operator's word; read at each decision. */
  readonly config: Pick<
    Config,
    | "modelShardingEnabled"
    | "taskDistributionEnabled"
    | "nodes"
    | "shardAboveBytes"
    | "distributedThresholdParams"
    | "modelProfiles"
  >;
  /** The Ollama nodes. */
  readonly nodes: Pick<NodePool, "nodes" | "holdersOf" | "unaskedNodes">;
  /** What models take where they run whole. */
  readonly needs: { needOf(key: string): ModelNeed | undefined };
  /** The rpc backends. */
  readonly backends: { views(): readonly BackendView[] };
  /** Our own coordinators. */
  readonly pool: { view(key: string): PoolView | undefined };
  /** Those that somebody else runs. */
  readonly externals: { readonly facts: readonly ExternalFacts[] };
  /** What our own store holds. */
  readonly catalog: { isStored(key: string): boolean | undefined };
  /** Measures the age of sums. */
  readonly clock: Clock;
}

/** What the two switches of the configuration make together. */
export function modeOf(
  { modelShardingEnabled, taskDistributionEnabled }: Pick<
    Config,
    "modelShardingEnabled" | "taskDistributionEnabled"
  >,
): Mode {
  if (modelShardingEnabled) return taskDistributionEnabled ? "hybrid" : "sharding";
  return taskDistributionEnabled ? "distribution" : "single";
}

/** Collects what a decision rests on. */
export class RouteFacts {
  #sums: { readonly takenMs: number; readonly backends: BackendSums } | undefined;

  /** Everything stays its owner's. */
  constructor(private readonly parts: RouteFactsParts) {}

  /** All that is known for a request for this model. */
  of(key: string): Facts {
    const { nodes, needs, externals } = this.parts;
    const profile = profileOf(key, this.parts.config);
    return {
      rules: this.#rules(profile),
      holders: nodes.holdersOf(key),
      unaskedNodes: nodes.unaskedNodes,
      nodeCount: nodes.nodes.length,
      need: withProfile(needs.needOf(key), profile),
      sharding: this.#sharding(key),
      external: externals.facts,
    };
  }

  #rules(profile: RouteRules["profile"]): RouteRules {
    const { config } = this.parts;
    return {
      mode: modeOf(config),
      policy: config.nodes.policy,
      affinityMargin: config.nodes.affinityMargin,
      shardAboveBytes: config.shardAboveBytes,
      distributedThresholdParams: config.distributedThresholdParams,
      profile,
    };
  }

  #sharding(key: string): ShardingFacts {
    const { pool, catalog } = this.parts;
    return {
      ...this.#backendSums(),
      coordinator: stateOf(pool.view(key)),
      isStored: catalog.isStored(key),
    };
  }

  #backendSums(): BackendSums {
    const nowMs = this.parts.clock.monotonic();
    if (!this.#sums || nowMs - this.#sums.takenMs > SUMS_FRESH_MS) {
      this.#sums = { takenMs: nowMs, backends: sumUp(this.parts.backends.views()) };
    }
    return this.#sums.backends;
  }
}

type BackendSums = Pick<ShardingFacts, "backendCount" | "freeCount" | "leasedCount" | "usableBytes">;

function sumUp(views: readonly BackendView[]): BackendSums {
  const isOffered = ({ limits, isDraining }: BackendView) => !limits.isExcluded && !isDraining;
  const free = views.filter((view) => isOffered(view) && view.health === "up");
  const leased = views.filter((view) =>
    isOffered(view) && view.health === "held" && view.holder !== undefined
  );
  return {
    backendCount: views.length,
    freeCount: free.length,
    leasedCount: leased.length,
    usableBytes: memoryOf([...free, ...leased]),
  };
}

/** All memory and not what is free: that may be minutes old, or be held by a coordinator of ours. Each memory counts once. */
function memoryOf(views: readonly BackendView[]): number {
  const bytesByMemory = new Map<string, number>();
  for (const { devices, limits: { memoryLimitBytes = Infinity } } of views) {
    for (const { memoryKey, totalBytes } of devices) {
      const bytes = Math.min(totalBytes, memoryLimitBytes);
      bytesByMemory.set(memoryKey, Math.max(bytes, bytesByMemory.get(memoryKey) ?? 0));
    }
  }
  return [...bytesByMemory.values()].reduce((sum, bytes) => sum + bytes, 0);
}

function stateOf(view: PoolView | undefined): ShardingFacts["coordinator"] {
  switch (view?.state) {
    case "ready":
    case "draining":
      return "ready";
    case "starting":
      return "starting";
    case "failed":
      return "failed";
    default:
      return undefined;
  }
}
