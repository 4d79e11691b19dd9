import type { Clock } from "../clock.ts";
import { isIPv4 } from "../net/ip_address.ts";

/**
 * Whether a client of an rpc backend, `address:port`, is certain to be gone; see {@linkcode hasVanished}. The worker's
 * address is where its reports come from.
 */
export type HasVanished = (client: string, workerAddress: string) => boolean;

/**
 * Whether a client that an rpc server on another host believes to serve was a process of this host and is no more.
 *
 * When the network is cut while a coordinator ends, the end of its connection never arrives, and the server waits for
 * it for ever: ggml-rpc-server sets no keep-alive. Only this host's kernel knows that the connection is gone. A client
 * is judged only if its address is ours, which a connection from it to the worker's host proves. Loopback is not
 * judged: within one host the kernel tells the server itself, and what looks like loopback may be a tunnel.
 *
 * Ask only of clients that were processes of this host, as our coordinators are: one in a container or a virtual machine
 * behind this host's NAT has our address, too, but its connection is in none of these tables, and looks vanished.
 *
 * @param tables `/proc/net/tcp`, followed by `/proc/net/tcp6`.
 * @param client `address:port` as the server's host sees it.
 * @param workerAddress Where that host's reports come from.
 * @see proc_net_tcp.rst in the kernel's documentation; state 01 is `ESTABLISHED`
 */
export function hasVanished(tables: string, client: string, workerAddress: string): boolean {
  const [, address = "", port = ""] = /^([\d.]{7,15}):(\d{1,5})$/.exec(client) ?? [];
  if (!isIPv4(address) || !isIPv4(workerAddress) || address.startsWith("127.")) return false;
  const [own, worker] = [toHex(address), toHex(workerAddress)];
  const hexPort = Number(port).toString(16).toUpperCase().padStart(4, "0");
  const isOurs = new RegExp(`: ${own}:[0-9A-F]{4} ${worker}:[0-9A-F]{4} 01 `).test(tables);
  const isThere = new RegExp(`: ${own}:${hexPort} [0-9A-F]+:[0-9A-F]{4} 01 `).test(tables);
  return isOurs && !isThere;
}

/** An IPv4 address as the tables write it, also within IPv6. */
function toHex(address: string): string {
  const octets = address.split(".").map((octet) => Number(octet).toString(16).toUpperCase().padStart(2, "0"));
  return `(?:0{16}FFFF0000)?${octets.toReversed().join("")}`;
}

/** How long a reading serves, ms: a thousand workers may ask at once. */
const FRESH_MS = 250;

/** Judges by the tables of this host's kernel. Nobody has vanished where there are none: only Linux has them. */
export function createHasVanished(clock: Clock): HasVanished {
  let [tables, readMs] = ["", -Infinity];
  return (client, workerAddress) => {
    if (clock.monotonic() - readMs >= FRESH_MS) {
      tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(readTable).join("");
      readMs = clock.monotonic();
    }
    return hasVanished(tables, client, workerAddress);
  };
}

function readTable(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return ""; // another system, or no IPv6
  }
}
