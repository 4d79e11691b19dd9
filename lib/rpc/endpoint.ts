import { REFUSED_ADDRESS_ADVICE, refusedAddress } from "../net/refused_address.ts";

/** Where an rpc backend listens. */
export interface Endpoint {
  /** Host name or dotted IPv4 address, in lower case. */
  readonly host: string;
  /** TCP port, 1 to 65535. */
  readonly port: number;
}

/** The port of `ggml-rpc-server` where none is given. */
export const DEFAULT_RPC_PORT = 50052;

/**
 * Reads `host:port`, or `host` for the default port. Space around it is ignored and the host is lowered in
 * case: llama.cpp takes two spellings of one endpoint for two backends, and then waits for itself.
 *
 * @throws {RangeError} If the text names no endpoint that llama.cpp can reach; the message says why.
 * @see `parse_endpoint` in ggml/src/ggml-rpc/ggml-rpc.cpp, protocol 8.0: IPv4 only, split at the first colon
 */
export function parseEndpoint(text: string, defaultPort: number = DEFAULT_RPC_PORT): Endpoint {
  const trimmed = text.trim();
  const refuse = (why: string): never => {
    throw new RangeError(`Cannot use "${excerpt(trimmed)}" as the endpoint of an rpc backend: ${why}`);
  };
  const mistake = MISTAKES.find(({ pattern }) => pattern.test(trimmed));
  if (mistake) return refuse(mistake.why);
  const [host = "", portText] = trimmed.toLowerCase().split(":");
  const hostFault = faultOfHost(host);
  if (hostFault) return refuse(hostFault);
  const port = portText === undefined ? defaultPort : readPort(portText);
  if (port === undefined) {
    return refuse(`"${excerpt(portText ?? "")}" is no port; write a number from 1 to 65535`);
  }
  return { host, port };
}

/**
 * Reads the endpoint that an operator writes. Workers may report link-local ones, since they are where they are.
 *
 * @throws {RangeError} As {@linkcode parseEndpoint}; or if it is link-local, or a cloud's metadata service.
 */
export function parseNamedEndpoint(text: string): Endpoint {
  const endpoint = parseEndpoint(text);
  const refused = refusedAddress(endpoint.host);
  if (refused === undefined) return endpoint;
  throw new RangeError(
    `Cannot use "${
      excerpt(text.trim())
    }" as the endpoint of an rpc backend: it is ${refused}; ${REFUSED_ADDRESS_ADVICE}`,
  );
}

/** Writes `host:port`, the form of `--rpc`, of logs and of keys; {@linkcode parseEndpoint} reads it back. */
export function formatEndpoint({ host, port }: Endpoint): string {
  return `${host}:${port}`;
}

/** Spellings that people try, each with what to write instead. The first match is told. */
const MISTAKES: readonly { pattern: RegExp; why: string }[] = [
  { pattern: /^$/, why: "it is empty; write host:port, for example 192.168.1.20:50052" },
  { pattern: /:\/\//, why: "the rpc protocol is raw TCP and has no scheme; write only host:port" },
  { pattern: /,/, why: "it lists several; give one host:port each" },
  { pattern: /\s/, why: "it contains a space; write host:port" },
  { pattern: /[/?#@]/, why: "it is longer than host:port, and nothing else is allowed" },
  {
    pattern: /:.*:|\[/,
    why: "llama.cpp's rpc client is IPv4 only; write an IPv4 address or a host name that has one",
  },
  { pattern: /^\d+$/, why: "it is only a number; write the host too, for example 127.0.0.1:50052" },
];

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;
const OCTET = /^(0|[1-9]\d{0,2})$/;

function faultOfHost(host: string): string | undefined {
  if (host === "") return "the host is missing; write host:port";
  if (host === "0.0.0.0") return "0.0.0.0 is where a server listens; write the address that it is reached at";
  const labels = host.split(".");
  if (/^\d+$/.test(labels.at(-1)!)) {
    const isAddress = labels.length === 4 &&
      labels.every((octet) => OCTET.test(octet) && Number(octet) < 256);
    return isAddress ? undefined : `"${excerpt(host)}" is no IPv4 address; write four numbers from 0 to 255`;
  }
  const isName = host.length <= 253 && labels.every((label) => LABEL.test(label));
  return isName ? undefined : `"${excerpt(host)}" is no host name; use letters, digits, hyphens and dots`;
}

function readPort(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65535 ? port : undefined;
}

/** A message must stay a sentence, however long the input was. */
function excerpt(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`;
}
