import { type Clock, systemClock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import { parseUpstreamUrl } from "../http/address.ts";
import { isIPv4, isIPv6 } from "../net/ip_address.ts";
import { refusedAddress } from "../net/refused_address.ts";
import { listenerAt, parseTcpTable } from "../net/tcp_table.ts";
import { createIdentify, type Identify, localIdentity } from "../registry/identity.ts";
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
 * Finds out what a node's URL leads to; `undefined` if its name has no address at present. Rejects with the signal's
 * reason, or if this host cannot tell at present.
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
  /** The kernel's table of IPv6 sockets, which shows those that take both. */
  readonly readTable?: () => Promise<string>;
}

/** A resolver that takes longer is of no use, ms. */
const RESOLVE_MS = 2_000;

/**
 * Asks the resolver and, for addresses of this host, the kernel: `localhost`, the LAN address and `::1` lead to the same
 * Ollama if the same socket listens there. Ollama that is told to listen on `0.0.0.0` listens on `::`, which takes both.
 * Elsewhere the address alone tells: an Ollama by two addresses of another host is taken for two.
 */
export function createIdentifyNode(
  { clock = systemClock, resolve = resolveAll, readTable = readTcp6 }: IdentifyNodeOptions = {},
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
      ? await ofIpv4(address, port, { identify: (host) => identify({ host, port }, { signal }), readTable })
      : await ofIpv6(address, port, { readTable });
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
  { identify, readTable }: { identify: (host: string) => ReturnType<Identify>; readTable: ReadTable },
): Promise<Place> {
  const known = await identify(address) ?? localIdentity(address, port, undefined);
  if (!known.isLocal || known.isSeen) return known;
  return await listensOnAll(port, readTable) ? localIdentity(ANY, port, { address: ANY, port }) : known;
}

async function ofIpv6(
  address: string,
  port: number,
  { readTable }: { readTable: ReadTable },
): Promise<Place> {
  const isOwn = address === "::1" || Deno.networkInterfaces().some((known) => known.address === address);
  if (!isOwn) return { server: `[${address}]:${port}`, isLocal: false };
  const isOnAll = await listensOnAll(port, readTable);
  return localIdentity(isOnAll ? ANY : `[${address}]`, port, isOnAll ? { address: ANY, port } : undefined);
}

const ANY = "0.0.0.0";
/** `::` without shortening, as `parseTcpTable()` writes it: no host has it, so only a socket on all addresses is there. */
const ANY_IPV6 = "0:0:0:0:0:0:0:0";

/** Whether a socket on `::` listens at a port of this host. */
async function listensOnAll(port: number, readTable: ReadTable): Promise<boolean> {
  try {
    return listenerAt(parseTcpTable(await readTable(), port), ANY_IPV6) !== undefined;
  } catch (error) {
    if (NEVER_READABLE.some((kind) => error instanceof kind)) return false;
    throw error; // such as for want of file descriptors: what was known before is better than a guess
  }
}

type ReadTable = () => Promise<string>;

function readTcp6(): Promise<string> {
  return Deno.readTextFile("/proc/net/tcp6");
}

/** Another system, a host without IPv6, or a sandbox: then URLs are told apart by their address alone. */
const NEVER_READABLE = [Deno.errors.NotFound, Deno.errors.NotCapable, Deno.errors.PermissionDenied];

async function addressesOf(
  hostname: string,
  { resolve, clock, signal }: Required<Pick<IdentifyNodeOptions, "resolve" | "clock">> & {
    signal: AbortSignal;
  },
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
  const { lookup } = await import("node:dns/promises"); // most nodes are named by their addresses
  return (await lookup(name, { all: true })).map(({ address }) => address);
}
