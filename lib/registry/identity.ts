import { type Clock, systemClock } from "../clock.ts";
import type { Endpoint } from "../rpc/endpoint.ts";
import { type Listener, ListenerTable } from "./local_listeners.ts";

/** What an endpoint leads to, so that two names of one rpc backend are known for one. */
export interface BackendIdentity {
  /** Equal for endpoints that lead to the same server. */
  readonly server: string;
  /** Equal for endpoints on the same host, as far as can be told from here; in words for a person. */
  readonly host: string;
  /** Whether that is the host of this process. */
  readonly isLocal: boolean;
  /** Whether the server was seen to listen; else {@linkcode server} is a guess from the address. */
  readonly isSeen: boolean;
}

/**
 * Finds out what an endpoint leads to; `undefined` if its host has no IPv4 address at present. Rejects only with the
 * signal's reason.
 */
export type Identify = (
  endpoint: Endpoint,
  options: { readonly signal: AbortSignal },
) => Promise<BackendIdentity | undefined>;

/** How {@linkcode BackendIdentity.host} names the host of this process, the only one whose sockets can be seen. */
export const THIS_HOST = "this host";

/**
 * Asks the resolver and, for addresses of this host, the kernel: `localhost`, the LAN address and `127.0.0.1` lead to
 * the same server if the same socket listens there, while 127.0.0.2 and 127.0.0.3 may have one each.
 */
export function createIdentify(clock: Clock = systemClock): Identify {
  const table = new ListenerTable(clock);
  return async ({ host, port }, { signal }) => {
    const address = await resolve(host, signal);
    if (address === undefined) return undefined;
    if (!isOwnAddress(address)) return identityOf(address, port);
    return localIdentity(address, port, await table.find(address, port));
  };
}

/**
 * The identity of a server on this host.
 *
 * @param listener The socket that takes connections to `address`; `undefined` if none is seen.
 */
export function localIdentity(
  address: string,
  port: number,
  listener: Listener | undefined,
): BackendIdentity {
  return {
    // The bound address and not the socket's inode: it outlives a restart of the server.
    server: `${THIS_HOST}, ${listener?.address ?? address}:${port}`,
    host: THIS_HOST,
    isLocal: true,
    isSeen: listener !== undefined,
  };
}

function identityOf(address: string, port: number): BackendIdentity {
  return { server: `${address}:${port}`, host: address, isLocal: false, isSeen: true };
}

/** @returns The first IPv4 address, which is the one that llama.cpp takes. */
async function resolve(host: string, signal: AbortSignal): Promise<string | undefined> {
  if (/^[\d.]+$/.test(host)) return host;
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const giveUp = () => reject(signal.reason);
  signal.addEventListener("abort", giveUp);
  try {
    // The resolver cannot be interrupted; an answer that comes later is dropped.
    return await Promise.race([
      lookUp(host).catch(() => undefined),
      aborted,
    ]);
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

async function lookUp(host: string): Promise<string> {
  const { lookup } = await import("node:dns/promises"); // most backends are named by their addresses
  return (await lookup(host, { family: 4 })).address;
}

function isOwnAddress(address: string): boolean {
  return address.startsWith("127.") || Deno.networkInterfaces().some((known) => known.address === address);
}
