import { isLoopbackAddress } from "../auth/peer_address.ts";

/** Where our HTTP server listens. */
export interface ListenAddress {
  /** A host name or an address; IPv6 without its brackets. */
  readonly hostname: string;
  /** 0 lets the system choose a free port. */
  readonly port: number;
}

const LOOPBACK = "127.0.0.1";

/**
 * Reads where to listen: `"0.0.0.0:11435"`, `"[::1]:11435"`, or only a port, which listens on loopback.
 *
 * @throws {RangeError} If the text is none of these, or the port is above 65535.
 */
export function parseListenAddress(text: string): ListenAddress {
  const trimmed = text.trim();
  const match = /^(?:(?:\[(?<ipv6>[0-9a-f:.%]+)\]|(?<host>[^\s:[\]/]+)):)?(?<port>\d{1,5})$/i.exec(trimmed);
  const port = Number(match?.groups?.["port"] ?? NaN);
  if (!match || port > 65_535) {
    throw new RangeError(
      `"${text}" is no address to listen on; write "127.0.0.1:11435", "[::1]:11435" or only a port`,
    );
  }
  return { hostname: match.groups?.["ipv6"] ?? match.groups?.["host"] ?? LOOPBACK, port };
}

/** Whether only programs on this machine reach what listens there. Of names, only `localhost` is known to mean that. */
export function isLoopback({ hostname }: ListenAddress): boolean {
  return hostname.toLowerCase() === "localhost" || isLoopbackAddress(hostname);
}

/** Writes an address as {@linkcode parseListenAddress} reads it. */
export function formatListenAddress({ hostname, port }: ListenAddress): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}
