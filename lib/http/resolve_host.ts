import { isIP, isIPv4 } from "../net/ip_address.ts";

/** All addresses of a host's name, in the resolver's order; rejects if it has none. */
export type LookUp = (name: string) => Promise<readonly string[]>;

/** Which addresses a name may lead to, and how to find them. */
export interface NameRules {
  /** What is wrong with an address, to follow `leads to`; `undefined` if nothing is. */
  readonly refuses: (address: string) => string | undefined;
  /** Default: the system's resolver. */
  readonly lookUp?: LookUp | undefined;
}

/** A name that leads to no address that may be connected to. */
export class RefusedName extends Error {
  /** For logs. */
  override readonly name = "RefusedName";
}

/** Whether a host is an address: written as numbers, with nothing to resolve. */
export function isAddress(host: string): boolean {
  return isIP(host);
}

/**
 * The addresses of a name that are not refused, IPv4 first. Whoever connects to one of them, and does not resolve the
 * name again, comes to an address that was judged, whatever the name leads to by then.
 *
 * @throws {RefusedName} If all are refused. Whatever the resolver throws.
 * @throws The signal's reason as soon as it aborts.
 */
export async function resolveHost(
  name: string,
  { refuses, lookUp = lookUpAll }: NameRules,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const addresses = await unlessAborted(lookUp(name), signal);
  const judged = addresses.map((address) => ({ address, fault: refuses(address) }));
  const allowed = judged.flatMap(({ address, fault }) => fault === undefined ? [address] : []);
  if (allowed.length > 0) return allowed.toSorted((a, b) => Number(isIPv4(b)) - Number(isIPv4(a)));
  throw new RefusedName(`its name leads to ${judged[0]?.fault ?? "no address"}`);
}

/** The resolver cannot be interrupted; an answer that comes later is dropped. */
async function unlessAborted<T>(result: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => reject(signal.reason);
  if (signal.aborted) giveUp();
  signal.addEventListener("abort", giveUp);
  try {
    return await Promise.race([result, aborted]);
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

async function lookUpAll(name: string): Promise<readonly string[]> {
  const { lookup } = await import("node:dns/promises"); // most upstreams are named by their addresses
  return (await lookup(name, { all: true })).map(({ address }) => address);
}
