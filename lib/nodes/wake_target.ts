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
