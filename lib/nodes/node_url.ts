import { formatAddress, parseUpstreamUrl } from "../http/address.ts";

/** Where Ollama listens if nobody says otherwise. */
export const OLLAMA_PORT = 11_434;

/**
 * Reads where a node is, as `OLLAMA_HOST` says it: `host`, `host:port` or a URL. Port 11434 if there is neither a port nor a
 * scheme. `0.0.0.0`, which is where a server listens, is taken for this host.
 *
 * @returns One text for all spellings of it: `http://host:port/base`, its port always said, no closing slash.
 * @throws {RangeError} If it is no such place, or holds credentials, a query or a fragment.
 * @see envconfig/config.go in ollama 0.33
 */
export function parseNodeUrl(text: string): string {
  const trimmed = text.trim();
  const { address, basePath } = parseUpstreamUrl(
    hasScheme(trimmed) ? trimmed : `http://${withPort(trimmed)}`,
  );
  if (address.transport === "unix") {
    throw new RangeError(`"${trimmed}" is a socket; an Ollama node is reached by host and port`);
  }
  const hostname = ANYWHERE.has(address.hostname) ? "127.0.0.1" : address.hostname;
  return formatAddress({ ...address, hostname }) + basePath;
}

const ANYWHERE: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

function hasScheme(text: string): boolean {
  return /^(?:[a-z][a-z0-9+.-]*:\/\/|unix:)/i.test(text);
}

function withPort(text: string): string {
  const [host = "", ...path] = text.split("/");
  const hasPort = /:\d*$/.test(host.replace(/^\[.*\]/, ""));
  return [hasPort ? host : `${host}:${OLLAMA_PORT}`, ...path].join("/");
}
