import { GatewayError } from "../errors.ts";
import { isIPv4 } from "../net/ip_address.ts";
import { DEFAULT_RPC_PORT, parseEndpoint } from "../rpc/endpoint.ts";
import { isPrivateAddress } from "../rpc/ipv4_range.ts";

/** Where rpc servers listen, and under which name the gateway finds them. */
export interface BindAddress {
  /** IPv4 address that they bind. */
  readonly host: string;
  /** What the gateway connects to: `host`, unless that is 0.0.0.0. */
  readonly advertised: string;
  /** A sentence for the operator, if what he wants is dangerous. */
  readonly warning: string | undefined;
}

/**
 * Checks where rpc servers are to listen. The rpc protocol knows no password, and lets a client write into the
 * server's memory: whoever reaches it owns the machine.
 *
 * @param host Literal IPv4 address, `localhost`, or `0.0.0.0` for all addresses of the machine.
 * @param advertised Address or name at which the gateway reaches it; needed with 0.0.0.0.
 * @throws {GatewayError} `invalid_request` with the reason, if that is no place for an rpc server.
 */
export function chooseBindAddress(host: string, advertised?: string): BindAddress {
  const bound = host === "localhost" ? "127.0.0.1" : host;
  if (!isIPv4(bound)) {
    throw refuse(
      host,
      "it is no IPv4 address, and llama.cpp's rpc server takes nothing else; give one by --host",
    );
  }
  const isEverywhere = bound === "0.0.0.0";
  if (isEverywhere && advertised === undefined) {
    throw refuse(host, "the gateway must know one address; add --advertise ADDRESS");
  }
  const reached = advertised === "localhost" ? "127.0.0.1" : advertised ?? bound;
  assertReachable(reached);
  for (const address of isEverywhere ? [reached] : [bound, reached]) {
    if (isIPv4(address) && !isPrivateAddress(address)) throw refuse(address, PUBLIC);
  }
  return { host: bound, advertised: reached, warning: isEverywhere ? EVERYWHERE : undefined };
}

function assertReachable(address: string): void {
  try {
    parseEndpoint(`${address}:${DEFAULT_RPC_PORT}`);
  } catch (error) {
    throw refuse(address, "--advertise takes an IPv4 address or a host name, without a port", {
      cause: error,
    });
  }
}

const PUBLIC =
  "it is a public address, and the rpc protocol has no password: whoever reaches it can run code here; " +
  "give a private one by --host, such as that of a VPN";

const EVERYWHERE =
  "the rpc servers listen on all addresses of this machine, and whoever reaches one can run code " +
  "here: the rpc protocol has no password. Close their ports to everybody but the gateway, or give one address by --host";

function refuse(address: string, why: string, options?: ErrorOptions): GatewayError {
  return new GatewayError("invalid_request", `Cannot run an rpc server at "${address}": ${why}`, options);
}
