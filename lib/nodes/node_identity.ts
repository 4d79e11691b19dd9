import { lookup } from "node:dns/promises";
import { isIPv4, isIPv6 } from "node:net";
import { type Clock, systemClock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import { parseUpstreamUrl } from "../http/address.ts";
import { refusedAddress } from "../net/refused_address.ts";
import { listenerAt, parseTcpTable } from "../net/tcp_table.ts";
import { createIdentify, localIdentity } from "../registry/identity.ts";
import { untilAborted } from "../until_aborted.ts";

/** What a node's URL leads to, so that two URLs of one Ollama are known for one. */
export interface NodeIdentity {
  /** Equal for URLs that lead to the same Ollama by the same way. */
  readonly server: string;
  /** Its address, as numbers. */
  readonly address: string;
  /** TCP port. */
  readonly port: number;
  /** Whether it runs on the host of this process. */
  readonly isLocal: boolean;
  /** Where its name leads, if no node may be there: `169.254.169.254, a link-local address`. */
  readonly refused: string | undefined;
}

/**
 * Finds out what a node's URL leads to; `undefined` if its name has no address at present. Rejects only with the
 * signal's reason.
 */
export type IdentifyNode = (
  url: string,
  options: { readonly signal: AbortSignal },
) => Promise<NodeIdentity | undefined>;

/** What {@linkcode createIdentifyNode} works with; defaults are the host's. */
export interface IdentifyNodeOptions {
  /** Time. */
  readonly clock?: Clock;
  /** All addresses of a name; rejects if it has none. */
  readonly resolve?: (name: string) => Promise<readonly string[]>;
}

/** A resolver that takes longer is of no use, ms. */
const RESOLVE_MS = 2_000;

/**
 * Asks the resolver and, for addresses of this host, the kernel: `localhost`, the LAN address and `::1` lead to the same
 * Ollama if the same socket listens there. Ollama that is told to listen on `0.0.0.0` listens on `::`, which takes both.
 */
export function createIdentifyNode(
  { clock = systemClock, resolve = resolveAll }: IdentifyNodeOptions = {},
): IdentifyNode {
  const identify = createIdentify(clock);
  return async (url, { signal }) => {
    const { address: place, basePath } = parseUpstreamUrl(url);
    if (place.transport === "unix") return undefined; // no node's URL is
    const { hostname, port, tls } = place;
    const addresses = await addressesOf(hostname, { resolve, clock, signal });
    const address = addresses.find((one) => isIPv4(one)) ?? addresses[0];
    if (address === undefined) return undefined;
    const at = (server: string) => `${tls ? "https" : "http"} ${server}${basePath}`;
    const refused = addresses.map(refusedAddress).find((phrase) => phrase !== undefined);
    if (refused !== undefined) return { server: at(hostname), address, port, isLocal: false, refused };
    const { server, isLocal } = isIPv4(address)
      ? await ofIpv4(address, port, (host) => identify({ host, port }, { signal }))
      : await ofIpv6(address, port);
    return { server: at(server), address, port, isLocal, refused };
  };
}

interface Place {
  readonly server: string;
  readonly isLocal: boolean;
}

async function ofIpv4(
  address: string,
  port: number,
  identify: (host: string) => ReturnType<ReturnType<typeof createIdentify>>,
): Promise<Place> {
  const known = await identify(address) ?? localIdentity(address, port, undefined);
  if (!known.isLocal || known.isSeen) return known;
  return await listensOnAll(port) ? localIdentity(ANY, port, { address: ANY, port }) : known;
}

async function ofIpv6(address: string, port: number): Promise<Place> {
  const isOwn = address === "::1" || Deno.networkInterfaces().some((known) => known.address === address);
  if (!isOwn) return { server: `[${address}]:${port}`, isLocal: false };
  const isOnAll = await listensOnAll(port);
  return localIdentity(isOnAll ? ANY : `[${address}]`, port, isOnAll ? { address: ANY, port } : undefined);
}

const ANY = "0.0.0.0";
/** `::` without shortening, as `parseTcpTable()` writes it: no host has it, so only a socket on all addresses is there. */
const ANY_IPV6 = "0:0:0:0:0:0:0:0";

/** Whether a socket on `::` listens at a port of this host. */
async function listensOnAll(port: number): Promise<boolean> {
  try {
    const sockets = parseTcpTable(await Deno.readTextFile("/proc/net/tcp6"), port);
    return listenerAt(sockets, ANY_IPV6) !== undefined;
  } catch (error) {
    // Another system, or a sandbox: then URLs are told apart by their address alone.
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) return false;
    throw error;
  }
}

async function addressesOf(
  hostname: string,
  { resolve, clock, signal }: Required<IdentifyNodeOptions> & { signal: AbortSignal },
): Promise<readonly string[]> {
  signal.throwIfAborted();
  if (isIPv4(hostname) || isIPv6(hostname)) return [hostname];
  // The resolver cannot be interrupted; an answer that comes later is dropped.
  using deadline = new Deadline(clock, RESOLVE_MS, { signal });
  const resolved = resolve(hostname).catch(() => []);
  const addresses = await Promise.race([resolved, untilAborted(deadline.signal).then(() => [])]);
  signal.throwIfAborted();
  return addresses;
}

async function resolveAll(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address);
}
