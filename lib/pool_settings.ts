import type { Config } from "./config/config.ts";
import type { PoolSettings } from "./pool/pooled.ts";

/** What the configuration wants of the pool. A pinned name that is none stays without effect. */
export function poolSettings(
  { pool, limits }: Pick<Config, "pool" | "limits">,
  keyOf: (model: string) => string,
): PoolSettings {
  return {
    maxCoordinators: pool.maxCoordinators,
    idleTtlMs: pool.idleTtlMs,
    minResidencyMs: pool.minResidencyMs,
    swapWaitMs: pool.swapWaitMs,
    maxRestarts: pool.maxRestarts,
    restartWindowMs: pool.restartWindowMs,
    maxQueued: limits.queueCount,
    queueWaitMs: limits.queueWaitMs,
    pinnedKeys: new Set(pool.pinned.flatMap((model) => keyOrNone(model, keyOf))),
  };
}

function keyOrNone(model: string, keyOf: (model: string) => string): string[] {
  try {
    return [keyOf(model)];
  } catch {
    return []; // its first request tells what is wrong with the name
  }
}
