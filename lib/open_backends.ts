import { BackendSources } from "./backend_sources.ts";
import { systemClock } from "./clock.ts";
import type { Config } from "./config/config.ts";
import type { Environment } from "./config/environment.ts";
import { RefusedMemory } from "./coordinator/refused_memory.ts";
import { findLlamaCpp } from "./llama_cpp/find.ts";
import { ownVersionOf } from "./llama_cpp/own_version.ts";
import type { Logger } from "./log.ts";
import { RedisSource } from "./redis/source.ts";
import { BackendRegistry } from "./registry/backend_registry.ts";
import type { BackendEvent, OwnVersion } from "./registry/health_ledger.ts";
import { parseEndpoint } from "./rpc/endpoint.ts";
import type { BackendStore } from "./store/backend_store.ts";

/** The rpc backends of a gateway, and all that is known of them. */
export interface OpenBackends {
  /** Knows how they are, and who has them. */
  readonly registry: BackendRegistry;
  /** Feeds it. */
  readonly sources: BackendSources;
  /** Knows which of them had less memory than they said. */
  readonly refusedMemory: RefusedMemory;
  /** Finds out what our llama-server is, and tells the registry; `undefined` if nobody knows. */
  readonly learnOwnVersion: () => Promise<OwnVersion | undefined>;
}

/** What {@linkcode openBackends} is given. */
export interface OpenBackendsOptions {
  /** What was registered by hand, over restarts. */
  readonly store: BackendStore;
  /** Gets one line a change. */
  readonly logger: Logger;
  /** Where llama.cpp is looked for. */
  readonly env: Environment;
  /** Gets all that has to end. */
  readonly owned: AsyncDisposableStack;
  /** Hears of each change of health. Must not throw. */
  readonly onEvent?: (event: BackendEvent) => void;
}

/** Opens the registry and all that it is fed from. Waits for nothing. */
export function openBackends(config: Config, options: OpenBackendsOptions): OpenBackends {
  const { store, logger, owned, onEvent = () => {} } = options;
  const registry = owned.use(
    new BackendRegistry({
      logger,
      trustMs: config.rpc.trustMs,
      maxProbes: config.rpc.maxProbes,
      probeTimeoutMs: config.timeouts.probeMs,
      onEvent,
    }),
  );
  const refusedMemory = new RefusedMemory({
    clock: systemClock,
    get trustMs() {
      return config.rpc.trustMs;
    },
  });
  const sources = new BackendSources({
    registry,
    store,
    refusedMemory,
    configured: config.rpcBackends,
    logger,
  });
  if (config.redis) {
    const redis = owned.use(new RedisSource({ address: config.redis, logger }));
    redis.start((registered) =>
      sources.setRedisBackends(registered.map(({ endpoint }) => parseEndpoint(endpoint)))
    );
  }
  return { registry, sources, refusedMemory, learnOwnVersion: ownVersionLearner(config, registry, options) };
}

/** Learns it at once, too, so that backends of another version are known before the first load fails. */
function ownVersionLearner(
  { llamaCpp }: Config,
  registry: BackendRegistry,
  { env, owned }: OpenBackendsOptions,
): OpenBackends["learnOwnVersion"] {
  const closing = new AbortController();
  const learn = async (): Promise<OwnVersion | undefined> => {
    const programs = await findLlamaCpp({ ...llamaCpp, env });
    const own = await ownVersionOf(programs, { signal: closing.signal });
    if (own) registry.setOwnVersion(own);
    return own;
  };
  const first = learn().catch(() => undefined); // the gateway closed meanwhile
  owned.defer(async () => {
    closing.abort();
    await first;
  });
  return learn;
}
