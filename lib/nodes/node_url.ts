import { formatAddress, parseUpstreamUrl } from "../http/address.ts";
import { REFUSED_ADDRESS_ADVICE, refusedAddress } from "../net/refused_address.ts";

/** Where Ollama listens if nobody says otherwise. */
export const OLLAMA_PORT = 11_434;

/** No URL of a node is longer. */
const MAX_LENGTH = 2_000;

/**
 * Reads where a node is: `host`, `host:port` or a URL. Port 11434 if there is neither a port nor a scheme. `0.0.0.0`,
 * which is where a server listens, is taken for this host.
 *
 * @returns One text for all spellings of it: `http://host:port/base`, its port always said, no closing slash.
 * @throws {RangeError} If it is no such place, is link-local or a cloud's metadata service, or holds credentials, a
 *   query or a fragment. The sentence shows no password.
 */
export function parseNodeUrl(text: string): string {
  const trimmed = text.trim();
  const refuse = (why: string): never => {
    throw new RangeError(`Cannot use ${shown(trimmed)} as an Ollama node: ${why}`);
  };
  if (trimmed === "") return refuse(`write a URL or host[:port], such as 192.168.1.10`);
  if (trimmed.length > MAX_LENGTH) return refuse(`it has more than ${MAX_LENGTH} characters`);
  if (trimmed.includes("@")) return refuse("it holds credentials; write its key as api_key instead");
  if (/[\s\p{Cc}]/u.test(trimmed)) return refuse("it has a space or a control character in it");
  if (/^unix:/i.test(trimmed)) return refuse("it is a socket; name host and port");
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed) ? trimmed : `http://${withPort(trimmed)}`;
  const { address, basePath } = parseUpstreamUrl(url);
  if (address.transport === "unix") return refuse("it is a socket; name host and port");
  const refused = refusedAddress(address.hostname);
  if (refused !== undefined) return refuse(`it is ${refused}; ${REFUSED_ADDRESS_ADVICE}`);
  const hostname = ANYWHERE.has(address.hostname) ? "127.0.0.1" : address.hostname;
  return formatAddress({ ...address, hostname }) + basePath;
}

const ANYWHERE: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

/** `host` with Ollama's port, unless it has one; an IPv6 address may come without brackets. */
function withPort(text: string): string {
  const [host = "", ...path] = text.split("/");
  const isBareIpv6 = /^[0-9a-f.:]*:[0-9a-f.:]*:[0-9a-f.:]*$/i.test(host);
  const hasPort = !isBareIpv6 && /:\d*$/.test(host.replace(/^\[.*\]/, ""));
  const bracketed = isBareIpv6 ? `[${host}]` : host;
  return [hasPort ? host : `${bracketed}:${OLLAMA_PORT}`, ...path].join("/");
}

/** A message must stay a sentence, however long the input was, and tell no password. */
function shown(text: string): string {
  const masked = text.includes("@") ? text.replace(/^([^@]*\/\/)?.*@/s, "$1***@") : text;
  return `"${masked.length <= 80 ? masked : `${masked.slice(0, 80)}…`}"`;
}
