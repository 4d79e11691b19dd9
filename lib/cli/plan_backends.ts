import type { Config } from "../config/config.ts";
import { HttpError } from "../http/error.ts";
import { silentLogger } from "../log.ts";
import { isCalled } from "../plan_service.ts";
import type { BackendView } from "../rpc/backend.ts";
import { formatEndpoint, parseEndpoint } from "../rpc/endpoint.ts";
import { BackendRegistry } from "../registry/backend_registry.ts";
import type { CliHost } from "./command.ts";
import { GatewayApi } from "./gateway_api.ts";

/**
 * The rpc backends to plan with: as the gateway on this machine knows them, if one runs; those that it does not know,
 * or all that the configuration names, are asked themselves. A backend that a gateway holds must not be asked.
 *
 * @param endpoints `host:port` each; `undefined` for all.
 */
export async function viewBackends(
  endpoints: readonly string[] | undefined,
  config: Config,
  host: Pick<CliHost, "env" | "signal">,
): Promise<readonly BackendView[]> {
  const known = await viewsOfGateway(config, host);
  const wanted = endpoints ?? known?.map(({ endpoint }) => endpoint) ??
    config.rpcBackends.map(formatEndpoint);
  const strangers = wanted.filter((name) => !known?.some((view) => isCalled(view, name)));
  return [
    ...(known ?? []).filter((view) => wanted.some((name) => isCalled(view, name))),
    ...(strangers.length > 0 ? await askBackends(strangers, config, host) : []),
  ];
}

async function viewsOfGateway(
  config: Config,
  host: Pick<CliHost, "env" | "signal">,
): Promise<readonly BackendView[] | undefined> {
  if (config.listen.port === 0) return undefined;
  using api = GatewayApi.of({ gateway: undefined, token: undefined }, config, host);
  try {
    return await api.listBackends();
  } catch (error) {
    host.signal.throwIfAborted();
    if (error instanceof Error && error.cause instanceof HttpError) return undefined; // none runs
    throw error;
  }
}

async function askBackends(
  endpoints: readonly string[],
  { rpcBackends, rpc, timeouts }: Config,
  { signal }: Pick<CliHost, "signal">,
): Promise<BackendView[]> {
  await using registry = new BackendRegistry({
    logger: silentLogger,
    maxProbes: rpc.maxProbes,
    probeTimeoutMs: timeouts.probeMs,
  });
  for (const name of endpoints) {
    const limits = rpcBackends.find((backend) => formatEndpoint(backend) === name)?.limits;
    registry.add(parseEndpoint(name), "config", limits);
  }
  await registry.refresh({ signal });
  return registry.views();
}
