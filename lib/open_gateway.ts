import { systemClock } from "./clock.ts";
import type { Config } from "./config/config.ts";
import type { Environment } from "./config/environment.ts";
import { CoordinatorSwitch } from "./coordinator/coordinator_switch.ts";
import { ExternalCoordinator } from "./coordinator/external.ts";
import { ShardedCoordinator } from "./coordinator/sharded_coordinator.ts";
import { Gateway } from "./gateway.ts";
import { HttpClient } from "./http/client.ts";
import type { Logger } from "./log.ts";
import { GatewayMetrics } from "./metrics/gateway_metrics.ts";
import { chooseModelRoots } from "./ollama/model_roots.ts";
import { ModelStore } from "./ollama/storage.ts";
import { ModelCatalog } from "./router/catalog.ts";
import { formatEndpoint } from "./rpc/endpoint.ts";
import { ParkedProbes } from "./rpc/parked_probes.ts";
import { GgufHeaderCache } from "./store/gguf_header_cache.ts";

/** A gateway with all that it is made of; disposing it stops its coordinator and closes every connection. */
export interface OpenGateway extends AsyncDisposable {
  /** Ready to be asked. */
  readonly gateway: Gateway;
  /** Counts what this gateway does. */
  readonly metrics: GatewayMetrics;
}

/** Builds the object graph of a gateway. It listens nowhere yet. */
export async function openGateway(
  config: Config,
  { logger, env }: { logger: Logger; env: Environment },
): Promise<OpenGateway> {
  await using owned = new AsyncDisposableStack();
  const http = owned.use(new HttpClient({ limits: { headBytes: config.limits.headerBytes } }));
  const parked = owned.use(new ParkedProbes());
  const roots = await chooseModelRoots({ configured: config.models, env, logger });
  const external = config.coordinatorUrl === undefined
    ? undefined
    : new ExternalCoordinator({ url: config.coordinatorUrl, http, modelName: config.model });
  await external?.refresh();
  const headers = new GgufHeaderCache();
  const coordinators = owned.use(
    new CoordinatorSwitch<ShardedCoordinator>({ logger, maxWaitMs: config.limits.queueWaitMs }),
  );
  const metrics = new GatewayMetrics();
  const gateway = new Gateway({
    settings: {
      defaultModel: config.model,
      shardingEnabled: config.modelShardingEnabled,
      rpcBackends: config.rpcBackends.map(formatEndpoint),
      connectTimeoutMs: config.timeouts.connectMs,
    },
    catalog: new ModelCatalog(new ModelStore({ roots, logger }), external),
    coordinators,
    startCoordinator: (model, signal) =>
      ShardedCoordinator.start(model, { config, env, http, logger, parked, headers }, signal),
    external,
    http,
    clock: systemClock,
    logger,
    metrics,
  });
  const lifetime = owned.move();
  return {
    gateway,
    metrics,
    async [Symbol.asyncDispose]() {
      gateway.close();
      http[Symbol.dispose](); // first: a llama-server does not stop before the last client of its streams has left
      await lifetime.disposeAsync();
    },
  };
}
