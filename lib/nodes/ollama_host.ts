import { OLLAMA_PORT, parseNodeUrl } from "./node_url.ts";

/**
 * Where Ollama's own programs find it by the variable `OLLAMA_HOST`: spaces and quotes around it do not count, a port
 * that is none is the usual one, and `0.0.0.0`, where a server listens, is this host.
 *
 * @returns As {@linkcode parseNodeUrl} writes it.
 * @throws {RangeError} If it names no place that may be a node.
 * @see `Host()` in envconfig/config.go, ollama 0.33
 */
export function parseOllamaHost(text: string): string {
  const bare = text.trim().replace(/^["']+|["']+$/g, "").trim();
  if (bare.includes("@")) return parseNodeUrl(bare); // which refuses it; Ollama takes the user's name for the host
  const [, scheme, rest = ""] = /^(?:([^:/]*):\/\/)?(.*)$/s.exec(bare) ?? [];
  const [place = "", ...path] = rest.split("/");
  const { host, port } = splitPlace(place);
  const usualPort = USUAL_PORTS[scheme ?? ""] ?? OLLAMA_PORT;
  const hostname = host === "" ? "127.0.0.1" : host;
  return parseNodeUrl(
    [`${scheme ?? "http"}://${hostname}:${isPort(port) ? port : usualPort}`, ...path].join("/"),
  );
}

const USUAL_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 };

/** `host:port`, `[v6]:port`, or a host alone, which may be an IPv6 address without brackets. */
function splitPlace(place: string): { host: string; port: string | undefined } {
  const [, bracketed, portBehind] = /^(\[.*\])(?::(.*))?$/s.exec(place) ?? [];
  if (bracketed !== undefined) return { host: bracketed, port: portBehind };
  const [host = "", port, ...more] = place.split(":");
  return more.length > 0 ? { host: `[${place}]`, port: undefined } : { host, port };
}

/** Port 0 would let a server choose; nobody can be reached there. */
function isPort(text: string | undefined): boolean {
  return text !== undefined && /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}
