import type { Config } from "../config/config.ts";
import { API_KEY_VARIABLE, type Environment } from "../config/environment.ts";
import type { ListenAddress } from "../config/listen_address.ts";
import { formatAddress, parseUpstreamUrl, type UpstreamAddress } from "../http/address.ts";
import { isPrivateAddress } from "../rpc/ipv4_range.ts";
import { UsageError } from "./command.ts";
import { readArgument } from "./output.ts";

/** Which gateway a command talks to, and how it shows that it may. */
export const GATEWAY_OPTIONS = {
  gateway: {
    type: "string",
    value: "URL",
    description:
      "The gateway; default: where the configuration says that it listens, http://127.0.0.1:11435.",
    heading: "Gateway",
  },
  token: {
    type: "string",
    value: "KEY",
    description: "Its API key; default: $SOLLOL_API_KEY, then api_keys of the configuration.",
    heading: "Gateway",
  },
} as const;

/** Where a gateway is, and what it is shown. */
export interface GatewayTarget {
  /** For people. */
  readonly url: string;
  /** To connect to. */
  readonly address: UpstreamAddress;
  /** Comes before each path; empty, or without a closing slash. */
  readonly basePath: string;
  /** API key; `undefined` to show none. */
  readonly key: string | undefined;
}

/**
 * Finds the gateway that a command is to talk to. The configuration's API key is for one on this machine only.
 *
 * @throws {UsageError} If `--gateway` is no URL, neither it nor the configuration says where the gateway is, or the
 *   key is none.
 */
export function findGateway(
  options: { gateway: string | undefined; token: string | undefined },
  { apiKeys, listen }: Pick<Config, "apiKeys" | "listen">,
  env: Environment,
): GatewayTarget {
  const { address, basePath } = readArgument(
    "--gateway",
    options.gateway ?? urlOf(listen),
    (text) => parseUpstreamUrl(/:\/\/|^unix:/.test(text) ? text : `http://${text}`),
  );
  const isOurs = options.gateway === undefined || isThisMachine(address);
  const key = options.token ?? (env[API_KEY_VARIABLE] || undefined) ??
    (isOurs ? apiKeys.reveal()[0] : undefined);
  if (key !== undefined && !/^[\x21-\x7e]+$/.test(key)) {
    throw new UsageError("--token, or $SOLLOL_API_KEY, must be printable ASCII without spaces");
  }
  return { url: formatAddress(address) + basePath, address, basePath, key };
}

function urlOf({ hostname, port }: ListenAddress): string {
  if (port === 0) {
    throw new UsageError("--gateway is missing: the configuration lets the system choose the port (listen)");
  }
  const isAny = hostname === "0.0.0.0" || hostname === "::";
  const host = isAny ? "127.0.0.1" : hostname.includes(":") ? `[${hostname}]` : hostname;
  return `http://${host}:${port}`;
}

function isThisMachine(address: UpstreamAddress): boolean {
  if (address.transport === "unix") return true;
  const { hostname } = address;
  return hostname === "localhost" || hostname === "::1" ||
    (hostname.startsWith("127.") && isPrivateAddress(hostname));
}
