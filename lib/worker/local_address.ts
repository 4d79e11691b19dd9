import { type Clock, systemClock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import { messageOf } from "../errors.ts";
import { formatAddress, type UpstreamAddress } from "../http/address.ts";
import type { Logger } from "../log.ts";

/** How {@linkcode untilLocalAddress} waits. */
export interface LocalAddressOptions {
  /** Ends the wait, with its reason. */
  readonly signal: AbortSignal;
  /** Hears once that the gateway is not there. */
  readonly logger: Logger;
  /** Times tries. Default: the host's. */
  readonly clock?: Clock;
}

const RETRY_MS = 2_000;

/**
 * The address that this machine has in the network of the gateway: where the gateway, in turn, can reach us. Waits
 * for the gateway if it is not there yet. Loopback if it is on this machine.
 *
 * @returns IPv4, or IPv6 if the connection is one.
 */
export async function untilLocalAddress(
  gateway: UpstreamAddress,
  options: LocalAddressOptions,
): Promise<string> {
  if (gateway.transport === "unix") return "127.0.0.1";
  const { signal, logger, clock = systemClock } = options;
  for (let isFirst = true;; isFirst = false) {
    using deadline = new Deadline(clock, RETRY_MS, { signal });
    try {
      return await findLocalAddress(gateway, deadline.signal);
    } catch (error) {
      signal.throwIfAborted();
      const reason = deadline.hasPassed ? "it does not take connections" : messageOf(error);
      if (isFirst) logger.warn("gateway not reached", { gateway: formatAddress(gateway), reason });
    }
    await clock.sleep(RETRY_MS, { signal });
  }
}

async function findLocalAddress(
  { hostname, port }: UpstreamAddress & { transport: "tcp" },
  signal: AbortSignal,
): Promise<string> {
  using connection = await Deno.connect({ hostname, port, signal });
  return connection.localAddr.hostname.replace(/^::ffff:(?=\d+\.)/, "");
}
