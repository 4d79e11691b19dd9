/**
 * Whose connection it is, for limits: an IPv4 address, or the first 64 bits of an IPv6 address, since a host may take any
 * address in its own /64. A v4 address in v6 form is that v4 address.
 *
 * @param hostname An address as the runtime gives it. Anything else is taken as it is.
 */
export function clientOf(hostname: string): string {
  if (!hostname.includes(":")) return hostname;
  const text = URL.parse(`http://[${hostname.replace(/%.*$/, "")}]`)?.hostname.slice(1, -1);
  if (text === undefined) return hostname;
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(text);
  if (mapped) {
    return mapped.slice(1).flatMap((word) => [parseInt(word, 16) >> 8, parseInt(word, 16) & 255]).join(".");
  }
  const [before = "", after] = text.split("::");
  const head = before === "" ? [] : before.split(":");
  const tailLength = after ? after.split(":").length : 0;
  const zeros = after === undefined ? [] : Array(8 - head.length - tailLength).fill("0");
  const tail = after ? after.split(":") : [];
  return `${[...head, ...zeros, ...tail].slice(0, 4).join(":")}::/64`;
}
