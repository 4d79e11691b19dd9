/** Where an upstream listens: a TCP port, with or without TLS, or a unix socket on this host. */
export type UpstreamAddress =
  | {
    transport: "tcp";
    /** A host name or IP address; IPv6 without brackets. */
    hostname: string;
    port: number;
    /** Speak TLS and verify the certificate against `hostname`. Default false. */
    tls?: boolean;
  }
  | {
    transport: "unix";
    /** Absolute path of the socket. */
    path: string;
  };

/** The longest path that fits Linux' `sockaddr_un` with its final NUL. */
const UNIX_PATH_BYTES = 107;

/**
 * Reads an upstream's URL: `http://host:port/base`, `https://host/base` or `unix:/run/llama.sock`.
 *
 * @returns The address, and the path that every target is prefixed with: `""` or `/base`, never ending in `/`.
 * @throws {RangeError} If it is no such URL, or carries what an address cannot: credentials, a query, a fragment.
 */
export function parseUpstreamUrl(url: string): { address: UpstreamAddress; basePath: string } {
  if (url.startsWith("unix:")) return { address: parseUnix(url), basePath: "" };
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== "http:" && parsed?.protocol !== "https:") {
    throw new RangeError(
      `"${url}" is not an upstream URL; write http://host:port, https://host or unix:/path`,
    );
  }
  // The text may hold a password, so these two sentences do not repeat it.
  if (parsed.username || parsed.password) {
    throw new RangeError(
      `The upstream URL of ${parsed.host} holds credentials; configure an API key instead`,
    );
  }
  if (parsed.search || parsed.hash) {
    throw new RangeError(
      `The upstream URL of ${parsed.host} has a query or a fragment; write only its base path`,
    );
  }
  if (parsed.port === "0") throw new RangeError(`"${url}" names port 0; write a port from 1 to 65535`);
  const tls = parsed.protocol === "https:";
  const hostname = parsed.hostname.replace(/^\[(.*)\]$/, "$1");
  const port = Number(parsed.port || (tls ? 443 : 80));
  return {
    address: { transport: "tcp", hostname, port, ...(tls && { tls }) },
    basePath: parsed.pathname.replace(/\/+$/, ""),
  };
}

/** Writes an address as the URL that {@linkcode parseUpstreamUrl} reads; equal addresses give equal text. */
export function formatAddress(address: UpstreamAddress): string {
  if (address.transport === "unix") return `unix:${address.path}`;
  return `${address.tls ? "https" : "http"}://${bracketed(address.hostname)}:${address.port}`;
}

/** The `Host` that a request to this address carries: no default port, and `localhost` for a unix socket. */
export function hostOf(address: UpstreamAddress): string {
  if (address.transport === "unix") return "localhost";
  const host = bracketed(address.hostname);
  return address.port === (address.tls ? 443 : 80) ? host : `${host}:${address.port}`;
}

function parseUnix(url: string): UpstreamAddress {
  const path = url.slice("unix:".length).replace(/^\/\/(?=\/)/, "");
  if (!/^\/(?!\/)/.test(path) || path.includes("\0")) {
    throw new RangeError(`"${url}" has no absolute path; write for example unix:/run/llama.sock`);
  }
  const bytes = new TextEncoder().encode(path).byteLength;
  if (bytes > UNIX_PATH_BYTES) {
    throw new RangeError(`The socket path of "${url}" has ${bytes} bytes; the limit is ${UNIX_PATH_BYTES}`);
  }
  return { transport: "unix", path };
}

function bracketed(hostname: string): string {
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}
