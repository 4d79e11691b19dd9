/** How a node is woken by a magic packet. */
export interface WakeTarget {
  /** Hardware address, `aa:bb:cc:dd:ee:ff`, lower case. */
  readonly mac: string;
  /** Where the packet is sent: an IPv4 address, mostly of a broadcast. */
  readonly broadcast: string;
  /** UDP port, usually 9. */
  readonly port: number;
}

const MAC = /^(?:[0-9a-f]{2}([:-]))(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}$/i;

/**
 * Reads a hardware address: `aa:bb:cc:dd:ee:ff` or `AA-BB-CC-DD-EE-FF`.
 *
 * @returns In lower case with colons.
 * @throws {RangeError} If it is none.
 */
export function parseMac(text: string): string {
  const trimmed = text.trim();
  if (MAC.test(trimmed)) return trimmed.toLowerCase().replaceAll("-", ":");
  throw new RangeError(`"${text}" is no hardware address; write for example aa:bb:cc:dd:ee:ff`);
}

/**
 * Reads where magic packets are sent: an IPv4 address as four decimal numbers. Names are not resolved for them.
 *
 * @throws {RangeError} If it is none.
 */
export function parseBroadcast(text: string): string {
  const octets = text.trim().split(".");
  const isAddress = octets.length === 4 &&
    octets.every((octet) => /^(0|[1-9]\d{0,2})$/.test(octet) && Number(octet) < 256);
  if (isAddress) return octets.join(".");
  throw new RangeError(`"${text}" is no IPv4 address; write for example 192.168.1.255`);
}
