/** Each of four numbers as people write it: below 256, without leading zeros. */
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** Whether a text is an IPv4 address. As that of `node:net`, which takes a tenth of a start to load. */
export function isIPv4(text: string): boolean {
  return IPV4.test(text);
}

/** Whether a text is an IPv6 address, without brackets; it may end with a zone (`%eth0`). */
export function isIPv6(text: string): boolean {
  const [address = "", zone] = text.split(/%(.*)/s);
  if (zone !== undefined && !/^[\w.:-]+$/.test(zone)) return false;
  const halves = address.split("::");
  if (halves.length > 2) return false;
  const groups = halves.map((half) => half === "" ? [] : half.split(":"));
  const written = groups.flat();
  const isEmbedded = written.length > 0 && groups.at(-1)!.length > 0 && isIPv4(written.at(-1)!);
  const numbers = isEmbedded ? written.slice(0, -1) : written;
  if (!numbers.every((group) => /^[\da-f]{1,4}$/i.test(group))) return false;
  const count = numbers.length + (isEmbedded ? 2 : 0);
  return halves.length === 2 ? count < 8 : count === 8;
}

/** Whether a text is an address of either kind. */
export function isIP(text: string): boolean {
  return isIPv4(text) || isIPv6(text);
}
