import type { Config } from "./config.ts";

/**
 * When a change of a key counts. `live`: at once, wherever the key is read next. `next load`: for coordinators that are
 * loaded from then on; one that runs ends as soon as it is idle, its streams whole. `restart`: for the next gateway.
 */
export type KeyEffect = "live" | "next load" | "restart";

/** How one key of the config is told from another value of it, and what becomes of a change. */
export interface KeyRule {
  /** When a change counts. */
  readonly effect: KeyEffect;
  /** What the key says, in plain values: equal values, no change. Holds secrets; never for printing. */
  readonly read: (config: Config) => unknown;
}

/** Every key of the config by its dotted path, as the tree has them. */
export const KEY_TABLE: Readonly<Record<string, KeyRule>> = {
  "listen": restart((config) => config.listen),
  "model": live((config) => config.model),
  "model_sharding_enabled": live((config) => config.modelShardingEnabled),
  "task_distribution_enabled": live((config) => config.taskDistributionEnabled),
  "ollama_nodes": live((config) =>
    config.ollamaNodes.map(({ apiKey, ...node }) => [JSON.stringify(node), apiKey?.reveal()])
  ),
  "nodes.policy": live((config) => config.nodes.policy),
  "nodes.local": live((config) => config.nodes.isLocalFound),
  "nodes.slots": live((config) => config.nodes.slotCount),
  "nodes.check_every": live((config) => config.nodes.checkEveryMs),
  "nodes.affinity_margin": live((config) => config.nodes.affinityMargin),
  "nodes.embedding_batch": live((config) => config.nodes.embeddingBatch),
  "nodes.hedge_embeddings": live((config) => config.nodes.hedgeAfterMs),
  "nodes.wake_timeout": live((config) => config.nodes.wakeMs),
  "nodes.hide_unavailable": live((config) => config.nodes.hidesUnavailable),
  "shard_above": live((config) => config.shardAboveBytes),
  "distributed_threshold_params": live((config) => config.distributedThresholdParams),
  "model_profiles": live((config) => config.modelProfiles),
  "aliases": live((config) => config.aliases),
  "fallbacks": live((config) => config.fallbacks),
  "batch.concurrency": live((config) => config.batch.concurrency),
  "batch.retries": live((config) => config.batch.retryCount),
  "batch.max_file": live((config) => config.batch.fileBytes),
  "batch.keep": live((config) => config.batch.keepMs),
  "rpc_backends": live((config) => config.rpcBackends),
  "rpc.trust": live((config) => config.rpc.trustMs),
  "rpc.max_probes": restart((config) => config.rpc.maxProbes),
  "rpc.reserve": live((config) => config.rpc.reserveBytes),
  "redis_url": restart(({ redis }) => redis && [redis.toString(), redis.reveal()]),
  "worker_token": live((config) => config.workerToken?.reveal()),
  "coordinator_url": live((config) => config.coordinatorUrl),
  "coordinators": live((config) =>
    config.coordinators.map(({ url, apiKey, model }) => [url, apiKey?.reveal(), model])
  ),
  "models": restart((config) => config.models),
  "llama_cpp.llama_server": nextLoad((config) => config.llamaCpp.llamaServer),
  "llama_cpp.rpc_server": live((config) => config.llamaCpp.rpcServer),
  "llama_cpp.prefix": nextLoad((config) => config.llamaCpp.prefix),
  "coordinator.context_size": nextLoad(({ coordinator }) => [
    coordinator.contextSize,
    coordinator.isContextSizeSet,
  ]),
  "coordinator.min_context_size": nextLoad((config) => config.coordinator.minContextSize),
  "coordinator.slots": nextLoad((config) => config.coordinator.slots),
  "coordinator.threads": nextLoad((config) => config.coordinator.threads),
  "coordinator.batch_size": nextLoad((config) => config.coordinator.batchSize),
  "coordinator.ubatch_size": nextLoad((config) => config.coordinator.ubatchSize),
  "coordinator.kv_type": nextLoad((config) => config.coordinator.kvType),
  "coordinator.placement": nextLoad((config) => placementText(config)),
  "coordinator.cache_ram": nextLoad((config) => config.coordinator.cacheRamBytes),
  "coordinator.load_timeout": live((config) => config.coordinator.loadTimeoutMs),
  "coordinator.startup_watchdog": live((config) => config.coordinator.startupWatchdogMs),
  "coordinator.extra_args": nextLoad((config) => config.coordinator.extraArgs),
  "coordinator.transport": nextLoad((config) => config.coordinator.transport),
  "coordinator.log_dir": restart((config) => config.coordinator.logDir), // follows state_dir where it is not said
  "coordinator.log_max": live((config) => config.coordinator.logMaxBytes),
  "pool.max_coordinators": live((config) => config.pool.maxCoordinators),
  "pool.idle_ttl": live((config) => config.pool.idleTtlMs),
  "pool.min_residency": live((config) => config.pool.minResidencyMs),
  "pool.swap_wait": live((config) => config.pool.swapWaitMs),
  "pool.pinned": live((config) => config.pool.pinned),
  "pool.prewarm": restart((config) => config.pool.prewarm), // it is what a start does
  "pool.max_restarts": live((config) => config.pool.maxRestarts),
  "pool.restart_window": live((config) => config.pool.restartWindowMs),
  "waiting.comment_every": live((config) => config.waiting.commentEveryMs),
  "waiting.notes": live((config) => config.waiting.hasNotes),
  "resume_streams": live((config) => config.hasResumedStreams),
  "limits.body": live((config) => config.limits.bodyBytes),
  "limits.header": restart((config) => config.limits.headerBytes),
  "limits.queue": live((config) => config.limits.queueCount),
  "limits.queue_wait": live((config) => config.limits.queueWaitMs),
  "limits.connections": live((config) => config.limits.connectionCount),
  "limits.connections_per_client": live((config) => config.limits.connectionsPerClient),
  "limits.client_concurrency": live((config) => config.limits.clientConcurrency),
  "limits.client_requests_per_minute": live((config) => config.limits.clientRequestsPerMinute),
  "timeouts.connect": live((config) => config.timeouts.connectMs),
  "timeouts.probe": live((config) => config.timeouts.probeMs),
  "timeouts.drain": live((config) => config.timeouts.drainMs),
  "timeouts.first_byte": live((config) => config.timeouts.firstByteMs),
  "timeouts.stall": live((config) => config.timeouts.stallMs),
  "timeouts.client_header": live((config) => config.timeouts.clientHeaderMs),
  "timeouts.client_idle": live((config) => config.timeouts.clientIdleMs),
  "timeouts.client_body": live((config) => config.timeouts.clientBodyMs),
  "api_keys": live((config) => config.apiKeys.reveal()),
  "auth.keys": live((config) => config.auth.keys),
  "auth.allow_anonymous": live((config) => config.auth.allowsAnonymous),
  "origins": live((config) => config.origins),
  "log.level": live((config) => config.log.level),
  "log.format": restart((config) => config.log.format),
  "metrics": restart((config) => config.isMetricsEnabled),
  "state_dir": restart((config) => config.stateDir),
};

/** The next config, but with what a gateway that runs cannot change: every key whose effect is `restart`. */
export function keepUntilRestart(running: Config, next: Config): Config {
  const { listen, redis, models, stateDir, isMetricsEnabled } = running;
  return {
    ...next,
    listen,
    redis,
    models,
    stateDir,
    isMetricsEnabled,
    rpc: { ...next.rpc, maxProbes: running.rpc.maxProbes },
    coordinator: { ...next.coordinator, logDir: running.coordinator.logDir },
    pool: { ...next.pool, prewarm: running.pool.prewarm },
    limits: { ...next.limits, headerBytes: running.limits.headerBytes },
    log: { ...next.log, format: running.log.format },
  };
}

function live(read: KeyRule["read"]): KeyRule {
  return { effect: "live", read };
}

function nextLoad(read: KeyRule["read"]): KeyRule {
  return { effect: "next load", read };
}

function restart(read: KeyRule["read"]): KeyRule {
  return { effect: "restart", read };
}

/** The order of the backends counts, which a comparison of objects would not see. */
function placementText({ coordinator: { placement } }: Config): string {
  return JSON.stringify(placement);
}
