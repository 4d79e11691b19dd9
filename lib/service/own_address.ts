import type { ListenAddress } from "../config/listen_address.ts";
import type { UpstreamAddress } from "../http/address.ts";

/** Who listens on all addresses is reached by that of loopback. */
const LOOPBACK: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/** How a program of this host reaches who listens there. */
export function ownAddress(
  { hostname, port }: ListenAddress,
): Extract<UpstreamAddress, { transport: "tcp" }> {
  return { transport: "tcp", hostname: LOOPBACK[hostname] ?? hostname, port };
}
