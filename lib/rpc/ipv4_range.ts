/** The most addresses of one range: a /20. With the usual timeout a scan of it takes half a minute. */
export const MAX_RANGE_ADDRESSES = 4_096;

/**
 * Reads a range of private IPv4 addresses: `192.168.1.0/24`, `192.168.1.10-40`, `192.168.1.10-192.168.2.5` or one
 * address. Bits behind the prefix are ignored: `192.168.1.7/24` is the network that this address is in.
 *
 * @returns Each address in dotted form, by number; of a network up to /30 without the network's own address and
 *   the broadcast address.
 * @throws {RangeError} If the text is no such range, is larger than {@linkcode MAX_RANGE_ADDRESSES}, or is not private
 *   as a whole; the message says what to write.
 */
export function parseIpv4Range(text: string): string[] {
  const trimmed = text.trim();
  const refuse = (why: string): never => {
    throw new RangeError(`Cannot scan "${excerpt(trimmed)}": ${why}`);
  };
  const mistake = MISTAKES.find(({ pattern }) => pattern.test(trimmed));
  if (mistake) return refuse(mistake.why);
  const ends = trimmed.includes("/") ? endsOfNetwork(trimmed) : endsOfSpan(trimmed);
  if (typeof ends === "string") return refuse(ends);
  const fault = faultOf(ends);
  if (fault) return refuse(fault);
  const { first, last } = withoutReserved(ends);
  return Array.from({ length: last - first + 1 }, (_, index) => formatAddress(first + index));
}

/**
 * Whether a text is an IPv4 address that no packet from the internet can be sent to: loopback, link-local, a home or
 * company network, or a carrier's (which VPNs such as Tailscale use). Host names are not.
 *
 * @see RFC 1918, RFC 1122 section 3.2.1.3, RFC 3927, RFC 6598
 */
export function isPrivateAddress(text: string): boolean {
  const address = parseAddress(text);
  return address !== undefined && blockOf(address) !== undefined;
}

/** Addresses as numbers, both included. */
interface Ends {
  first: number;
  last: number;
  /** Whether it was written as a network, whose first and last address no machine has. */
  isNetwork: boolean;
}

const HOW = "write for example 192.168.1.0/24, 192.168.1.10-40 or 192.168.1.10-192.168.2.5";

/** Spellings that people try, each with what to write instead. The first match is told. */
const MISTAKES: readonly { pattern: RegExp; why: string }[] = [
  { pattern: /^$/, why: `it is empty; ${HOW}` },
  { pattern: /,/, why: "it lists several; give one range at a time" },
  { pattern: /^[^:]*:\d+$/, why: "a range has no port; write the port behind --port" },
  { pattern: /:|\[/, why: `llama.cpp's rpc client is IPv4 only; ${HOW}` },
  { pattern: /[a-z]/i, why: `a range is made of addresses, not of names; ${HOW}` },
  { pattern: /\*/, why: "it has no wildcards; write a network, for example 192.168.1.0/24" },
];

const PRIVATE_BLOCKS: readonly Ends[] = [
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "100.64.0.0/10",
].map((text) => endsOfNetwork(text) as Ends);

function endsOfNetwork(text: string): Ends | string {
  const [base = "", prefixText = "", ...more] = text.split("/");
  const address = parseAddress(base);
  const prefix = /^\d{1,2}$/.test(prefixText) ? Number(prefixText) : 33;
  if (more.length > 0) return `it is no network; ${HOW}`;
  if (address === undefined) return notAnAddress(base);
  if (prefix > 32) return `"/${excerpt(prefixText)}" is no prefix; write a number from 20 to 32, such as /24`;
  const count = 2 ** (32 - prefix);
  const first = address - address % count;
  return { first, last: first + count - 1, isNetwork: true };
}

/** `a.b.c.d-e.f.g.h`, `a.b.c.d-h`, or `a.b.c.d` alone. */
function endsOfSpan(text: string): Ends | string {
  const [from = "", to = from, ...more] = text.split("-").map((part) => part.trim());
  if (more.length > 0) return `it has more than one hyphen; ${HOW}`;
  const first = parseAddress(from);
  if (first === undefined) return notAnAddress(from);
  const last = parseAddress(/^\d+$/.test(to) ? from.replace(/\d+$/, () => to) : to);
  if (last === undefined) return notAnAddress(to);
  if (last < first) return `it ends before it begins; write ${formatAddress(last)}-${formatAddress(first)}`;
  return { first, last, isNetwork: false };
}

function faultOf({ first, last }: Ends): string | undefined {
  const block = blockOf(first);
  if (!block || last > block.last) {
    return "it is not private as a whole, and other people's machines are not ours to scan; " +
      "write a range of 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, 169.254.0.0/16 or 127.0.0.0/8";
  }
  const count = last - first + 1;
  if (count <= MAX_RANGE_ADDRESSES) return undefined;
  return `it has ${count} addresses, and ${MAX_RANGE_ADDRESSES} (a /20) are the most; ` +
    `write a smaller one, for example ${formatAddress(first)}/24`;
}

function withoutReserved({ first, last, isNetwork }: Ends): { first: number; last: number } {
  return isNetwork && last - first >= 3 ? { first: first + 1, last: last - 1 } : { first, last };
}

function blockOf(address: number): Ends | undefined {
  return PRIVATE_BLOCKS.find(({ first, last }) => address >= first && address <= last);
}

/** Strict: an octet with a leading zero is octal to some programs and decimal to others. */
function parseAddress(text: string): number | undefined {
  const octets = text.split(".");
  const isAddress = octets.length === 4 &&
    octets.every((octet) => /^(0|[1-9]\d{0,2})$/.test(octet) && Number(octet) < 256);
  return isAddress ? octets.reduce((address, octet) => address * 256 + Number(octet), 0) : undefined;
}

function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => address >>> shift & 255).join(".");
}

function notAnAddress(text: string): string {
  return `"${excerpt(text)}" is no IPv4 address; write four numbers from 0 to 255`;
}

/** A message must stay a sentence, however long the input was. */
function excerpt(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`;
}
