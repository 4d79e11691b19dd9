import type { Clock } from "../clock.ts";
import { formatListenAddress, type ListenAddress } from "../config/listen_address.ts";
import type { Logger } from "../log.ts";
import { ConnectionGuard, type FrontConfig } from "./connection_guard.ts";
import type { ConnectionMetrics } from "./connection_metrics.ts";
import type { ClientHandler, Front } from "./front.ts";
import { GuardedFront } from "./guarded_front.ts";
import type { InheritedSocket } from "./inherited_socket.ts";
import { listenPlainly } from "./plain_front.ts";
import { findServeConnection, type ServeConnection } from "./runtime_connection.ts";

/** What {@linkcode openFront} needs. */
export interface FrontOptions {
  /** Where to listen, unless a socket is inherited. */
  readonly listen: ListenAddress;
  /** One that listens already. */
  readonly inherited?: InheritedSocket | undefined;
  /** Answers. */
  readonly handler: ClientHandler;
  /** The limits; read anew each time. */
  readonly config: FrontConfig;
  /** Counts connections. */
  readonly metrics: ConnectionMetrics;
  /** Measures how long clients are silent. */
  readonly clock: Clock;
  /** Told what does not hold, and what went wrong. */
  readonly logger: Logger;
  /** Speaks HTTP on single connections. Default: this runtime's way, if it has one. */
  readonly serve?: ServeConnection | undefined;
}

/**
 * Listens for clients, and holds their connections to the limits.
 *
 * @throws {Deno.errors.AddrInUse} And what else comes of listening.
 */
export async function openFront(options: FrontOptions): Promise<Front> {
  const { listen, inherited, handler, config, metrics, clock, logger } = options;
  const guard = () => new ConnectionGuard({ config, metrics, clock, logger });
  if (inherited) {
    const { NodeFront } = await import("./node_front.ts"); // few need it, and Node's HTTP takes a while to load
    const front = await NodeFront.listen({ fd: inherited.fd }, { handler, logger, guard: guard() });
    logger.info("socket inherited", {
      listen: formatListenAddress(front.addr),
      instead: formatListenAddress(listen),
      socketCount: inherited.count,
    });
    return front;
  }
  const serve = "serve" in options ? options.serve : findServeConnection();
  if (serve) return GuardedFront.listen(listen, { handler, guard: guard(), serve, clock, logger });
  logger.warn("client connections not limited", {
    because:
      "this runtime does not tell of connections; limits.connections and timeouts.client_* do not hold",
  });
  return listenPlainly(listen, handler);
}
