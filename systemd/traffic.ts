import { isIPv4, isIPv6 } from "node:net";
import type { ManagerKind } from "./unit_file.ts";

/** Who may talk to a service, and to whom it may talk: one list for both directions. */
export interface TrafficOptions {
  /**
   * Addresses and networks, such as `192.168.1.10` and `192.168.1.0/24`, and `localhost`; other names are not known to the
   * kernel.
   */
  readonly allow?: readonly string[] | undefined;
}

/** What systemd calls all addresses of this host's own loopback. */
export const LOCALHOST = "localhost";

/** Networks with fewer bits in front are no list of who may come, but of half the world. */
const FEWEST_BITS = { ipv4: 8, ipv6: 16 };

/**
 * The lines that shut off everybody who is not on the list; none where there is no list, nor for the systemd of a user,
 * which cannot.
 *
 * @param allow As in {@linkcode TrafficOptions}.
 * @throws {RangeError} If an entry is neither an address nor a network.
 * @see systemd.resource-control(5), `IPAddressAllow=`
 */
export function trafficLines(manager: ManagerKind, allow: readonly string[]): string[] {
  const entries = allow.map(checkedNetwork);
  if (manager === "user" || entries.length === 0) return [];
  return ["IPAddressDeny=any", `IPAddressAllow=${entries.join(" ")}`];
}

/** A service that speaks the rpc protocol. */
export interface GuardedService extends TrafficOptions {
  /** Which systemd runs it. */
  readonly manager: ManagerKind;
  /** Address that it listens on; `undefined` if that is chosen later. */
  readonly host?: string | undefined;
  /** Whether the operator insists. */
  readonly force?: boolean | undefined;
}

/**
 * Holds whoever runs rpc servers to a list of who may talk to them.
 *
 * @throws {RangeError} With the reason and what to do, if anybody on the network could.
 */
export function assertGuarded({ manager, host, allow = [], force = false }: GuardedService): void {
  if (force || (host !== undefined && isLoopbackAddress(host))) return;
  const where = host === undefined ? "run rpc servers" : `let an rpc server listen on ${host}`;
  const refuse = (why: string) => {
    throw new RangeError(
      `Cannot ${where}: the rpc protocol has no password, whoever reaches it owns the machine, and ${why}`,
    );
  };
  if (manager === "user") {
    refuse("only the system's systemd can shut others off; install it there, or use force");
  }
  if (allow.length === 0) refuse("nothing limits who does; name the gateway's address, or use force");
  const wide = allow.find((entry) => isWide(checkedNetwork(entry)));
  if (wide !== undefined) refuse(`${wide} is nearly everybody; name the gateway's address, or use force`);
}

/** Whether only programs on this host reach what listens there. */
export function isLoopbackAddress(address: string): boolean {
  return /^127\./.test(address) || address === "::1";
}

function checkedNetwork(entry: string): string {
  if (entry === LOCALHOST) return entry;
  const [, address = "", prefix] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(entry) ?? [];
  const bits = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1;
  if (Number(prefix ?? 0) <= bits) return entry;
  throw new RangeError(
    `Cannot allow ${JSON.stringify(entry.slice(0, 80))}: it is neither an address nor a network; ` +
      "write for example 192.168.1.10 or 192.168.1.0/24",
  );
}

function isWide(network: string): boolean {
  const [address = "", prefix] = network.split("/");
  return Number(prefix ?? 128) < (isIPv4(address) ? FEWEST_BITS.ipv4 : FEWEST_BITS.ipv6);
}
