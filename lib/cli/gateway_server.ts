import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "../config/config.ts";
import { formatListenAddress } from "../config/listen_address.ts";
import { GatewayError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import type { Logger } from "../log.ts";
import type { GatewayMetrics } from "../metrics/gateway_metrics.ts";
import { openGateway } from "../open_gateway.ts";

/** Makes the HTTP surface of a gateway; `main.ts` hands it in, since nothing in `lib/` may know the routes. */
export type CreateApp = (parts: {
  gateway: Gateway;
  metrics: GatewayMetrics | undefined;
  logger: Logger;
  apiKeys: readonly string[];
  maxBodyBytes: number;
  version: string;
}) => { fetch(request: Request): Response | Promise<Response> };

/** What {@linkcode GatewayServer.start} needs. */
export interface GatewayServerOptions {
  config: Config;
  logger: Logger;
  env: Readonly<Record<string, string | undefined>>;
  createApp: CreateApp;
  version: string;
}

/** A gateway that listens. Owns the order in which all of it ends. */
export class GatewayServer implements AsyncDisposable {
  /** Where it listens, such as `http://127.0.0.1:11435`. */
  readonly url: string;

  private constructor(
    private readonly server: Deno.HttpServer<Deno.NetAddr>,
    private readonly cut: AbortController,
    private readonly owned: AsyncDisposableStack,
    private readonly logger: Logger,
    /** What answers behind it. */
    readonly gateway: Gateway,
  ) {
    const { hostname, port } = server.addr;
    this.url = `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
  }

  /**
   * Opens the gateway and listens.
   *
   * @throws {GatewayError} `conflict` if the address is taken; `invalid_request` if it is not this host's.
   */
  static async start(options: GatewayServerOptions): Promise<GatewayServer> {
    const { config, logger, env, createApp, version } = options;
    await using startup = new AsyncDisposableStack();
    const { gateway, metrics } = startup.use(await openGateway(config, { logger, env }));
    const app = createApp({
      gateway,
      metrics: config.isMetricsEnabled ? metrics : undefined,
      logger,
      apiKeys: config.apiKeys.reveal(),
      maxBodyBytes: config.limits.bodyBytes,
      version,
    });
    const cut = new AbortController();
    const server = listen(config, cut.signal, (request) => app.fetch(request));
    return new GatewayServer(server, cut, startup.move(), logger, gateway);
  }

  /**
   * Stops accepting, lets requests in flight finish, then closes everything: coordinators last, none survives.
   *
   * @param hurry Ends the waiting at once: what is still in flight is cut.
   */
  async shutdown({ drainMs, hurry }: { drainMs: number; hurry?: AbortSignal }): Promise<void> {
    this.logger.info("shutting down", { drainMs });
    const drained = this.server.shutdown().then(() => true);
    const timer = new AbortController();
    const waits = AbortSignal.any([timer.signal, ...(hurry ? [hurry] : [])]);
    const isDrained = await Promise.race([
      drained,
      delay(drainMs, false, { signal: waits }).catch(() => false),
    ]);
    timer.abort();
    if (!isDrained) {
      this.logger.warn("requests cut", { reason: hurry?.aborted ? "told to hurry" : "drain time is over" });
      this.cut.abort();
    }
    await this.owned.disposeAsync();
    await this.server.finished;
  }

  /** Shuts down without waiting for requests in flight. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown({ drainMs: 0 });
  }
}

function listen(
  { listen: address }: Config,
  signal: AbortSignal,
  handler: (request: Request) => Response | Promise<Response>,
): Deno.HttpServer<Deno.NetAddr> {
  const where = formatListenAddress(address);
  try {
    return Deno.serve({ ...address, signal, onListen: () => {} }, handler);
  } catch (cause) {
    if (cause instanceof Deno.errors.AddrInUse) {
      const message = `Cannot listen on ${where}: another program does; stop it, or choose another --listen`;
      throw new GatewayError("conflict", message, { cause });
    }
    if (cause instanceof Deno.errors.AddrNotAvailable || cause instanceof Deno.errors.PermissionDenied) {
      const message =
        `Cannot listen on ${where}: ${cause.message}; choose an address of this host and a free port`;
      throw new GatewayError("invalid_request", message, { cause });
    }
    throw cause;
  }
}
