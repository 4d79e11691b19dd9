/**
 * Whether a host is one that no upstream may have: a link-local address, or the place where a cloud tells machines
 * their secrets. Loopback and private addresses are fine. A name is judged as it is written: nobody resolves it here.
 *
 * @param host A name or an address, in any spelling that a resolver takes: `0xa9fea9fe`, `[::ffff:169.254.169.254]`.
 * @returns What it is, such as `169.254.169.254, a link-local address`, to follow `it is` or `it leads to`;
 *   `undefined` for all others.
 * @see RFC 3927, RFC 4291 section 2.5.6; the metadata services of AWS, Azure, Google, Oracle, Alibaba and Scaleway
 */
export function refusedAddress(host: string): string | undefined {
  const hostname = canonicalHost(host);
  if (METADATA.has(hostname)) return `${hostname}, where a cloud hands out its secrets`;
  if (isLinkLocal(hostname)) return `${hostname}, a link-local address`;
  return undefined;
}

/** What whoever names such a host is to do instead. */
export const REFUSED_ADDRESS_ADVICE = "name an address of your own network, such as 192.168.1.20";

const METADATA: ReadonlySet<string> = new Set([
  "169.254.169.254",
  "169.254.170.2",
  "100.100.100.200",
  "168.63.129.16",
  "192.0.0.192",
  "fd00:ec2::254",
  "fd20:ce::254",
  "fd00:42::42",
  "metadata",
  "metadata.google.internal",
  "metadata.goog",
  "instance-data",
  "instance-data.ec2.internal",
  "metadata.tencentyun.com",
]);

function isLinkLocal(hostname: string): boolean {
  return /^169\.254\.\d+\.\d+$/.test(hostname) || /^fe[89ab][0-9a-f]:/.test(hostname);
}

/** An IPv4 address as four decimal numbers, an IPv6 address shortened, a name in lower case without a last dot. */
function canonicalHost(host: string): string {
  const bare = host.trim().replace(/^\[(.*)\]$/, "$1").replace(/%.*$/, "").replace(/\.$/, "");
  const written = bare.includes(":") ? `[${bare}]` : bare;
  if (/[/?#@\\]/.test(written) || !URL.canParse(`http://${written}`)) return bare.toLowerCase();
  const { hostname } = new URL(`http://${written}`);
  return embeddedIpv4(hostname) ?? hostname.replace(/^\[(.*)\]$/, "$1");
}

/** The IPv4 address inside `::ffff:a9fe:a9fe`, `::a9fe:a9fe` or, behind NAT64, `64:ff9b::a9fe:a9fe`. */
function embeddedIpv4(hostname: string): string | undefined {
  const [, high, low] =
    /^\[(?:::|::ffff:|::ffff:0:|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(hostname) ?? [];
  if (high === undefined || low === undefined) return undefined;
  return [high, low].map((group) => parseInt(group, 16)).flatMap((word) => [word >> 8, word & 255]).join(".");
}
