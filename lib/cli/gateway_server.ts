import { setTimeout as delay } from "node:timers/promises";
import type { CreateApp } from "../app_parts.ts";
import { ClientAccess } from "../auth/client_access.ts";
import { ClientWatch } from "../client_watch.ts";
import { systemClock } from "../clock.ts";
import type { EventBus } from "../bus.ts";
import type { Environment } from "../config/environment.ts";
import type { LiveConfig } from "../config/live_config.ts";
import { formatListenAddress, type ListenAddress } from "../config/listen_address.ts";
import type { GatewayEvent } from "../coordinator_admin.ts";
import { GatewayError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { type OpenGateway, openGateway } from "../open_gateway.ts";
import { ConnectionMetrics } from "../serving/connection_metrics.ts";
import type { Front } from "../serving/front.ts";
import type { InheritedSocket } from "../serving/inherited_socket.ts";
import { type FrontOptions, openFront } from "../serving/open_front.ts";
import { describePortHolder } from "../service/port_holder.ts";

/** What {@linkcode GatewayServer.start} needs. */
export interface GatewayServerOptions {
  /** Its `listen` says where; what else changes is taken from then on. */
  live: LiveConfig;
  /** Gets what happens in the gateway; default: one of its own. */
  events?: EventBus<GatewayEvent>;
  /** For the server, the gateway and all that it owns. */
  logger: Logger;
  /** Where model stores and llama.cpp are looked for. */
  env: Environment;
  /** Called once, before it listens. */
  createApp: CreateApp;
  /** Of this program, as `/health` tells it. */
  version: string;
  /** Why the program should be restarted; default: it never should. */
  restartNeeded?: () => string | undefined;
  /** Listens already, and is served in place of `listen`. */
  inherited?: InheritedSocket | undefined;
  /** Ends the start. */
  signal?: AbortSignal;
}

/** For how long clients may read the last of their answers once all upstreams are closed, ms. */
const LAST_WORDS_MS = 1_000;

/** A gateway that listens. Owns the order in which all of it ends. */
export class GatewayServer implements AsyncDisposable {
  /** Where it listens, such as `http://127.0.0.1:11435`. */
  readonly url: string;
  /** The same, to connect to. */
  readonly address: ListenAddress;

  #drained: Promise<void> | undefined;

  private constructor(
    private readonly front: Front,
    private readonly owned: AsyncDisposableStack,
    private readonly logger: Logger,
    private readonly closing: AbortController,
    /** What answers behind it. */
    readonly open: Pick<OpenGateway, "gateway" | "coordinators">,
  ) {
    this.address = front.addr;
    this.url = `http://${formatListenAddress(front.addr)}`;
  }

  /**
   * Opens the gateway and listens.
   *
   * @throws {GatewayError} `conflict` if the address is taken; `invalid_request` if it is not this host's.
   * @throws The signal's reason.
   */
  static async start(options: GatewayServerOptions): Promise<GatewayServer> {
    const { live, logger, env, events, createApp, version, restartNeeded, inherited, signal } = options;
    const { config } = live;
    await using startup = new AsyncDisposableStack();
    const open = startup.use(await openGateway(live, { logger, env, events, signal }));
    const closing = new AbortController();
    const clients = startup.use(new ClientWatch({ clock: systemClock }));
    const access = startup.use(new ClientAccess({ config, clock: systemClock, logger }));
    const app = createApp({
      ...open,
      access,
      metrics: config.isMetricsEnabled ? open.metrics : undefined,
      clients,
      closing: closing.signal,
      logger,
      config,
      version,
      restartNeeded,
    });
    const connections = new ConnectionMetrics();
    open.metrics.show(connections);
    const front = await listen({
      listen: config.listen,
      inherited,
      handler: (request, info) => app.fetch(request, info),
      config,
      metrics: connections,
      clock: systemClock,
      logger,
    });
    clients.servesAt(front.addr.port);
    return new GatewayServer(front, startup.move(), logger, closing, open);
  }

  /**
   * Stops accepting, lets requests in flight finish, then closes everything: coordinators last, none survives.
   *
   * @param hurry Ends the waiting at once: what is still in flight is cut.
   */
  async shutdown({ drainMs, hurry }: { drainMs: number; hurry?: AbortSignal }): Promise<void> {
    this.logger.info("shutting down", { drainMs });
    if (!await settlesWithin(drainMs, this.#drain(), hurry)) {
      this.logger.warn("requests cut", { reason: hurry?.aborted ? "told to hurry" : "drain time is over" });
    }
    await this[Symbol.asyncDispose]();
  }

  /**
   * Shuts down without waiting for requests in flight: they end when their upstream does, each with an error of
   * its dialect. A client that reads nothing keeps its connection until the process exits.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    const drained = this.#drain();
    await this.owned.disposeAsync();
    await settlesWithin(LAST_WORDS_MS, drained);
  }

  #drain(): Promise<void> {
    this.closing.abort(); // whoever watches for ever would hold it up
    return this.#drained ??= this.front.shutdown();
  }
}

async function settlesWithin(ms: number, work: Promise<void>, hurry?: AbortSignal): Promise<boolean> {
  const timer = new AbortController();
  const signal = hurry ? AbortSignal.any([timer.signal, hurry]) : timer.signal;
  const isDone = await Promise.race([
    work.then(() => true),
    delay(ms, false, { signal }).catch(() => false),
  ]);
  timer.abort();
  return isDone;
}

async function listen(options: FrontOptions): Promise<Front> {
  const where = formatListenAddress(options.listen);
  try {
    return await openFront(options);
  } catch (cause) {
    if (cause instanceof Deno.errors.AddrInUse) {
      const holder = await describePortHolder(options.listen) ?? "another program";
      const message =
        `Cannot listen on ${where}: ${holder} listens there; stop it, or choose another --listen`;
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
