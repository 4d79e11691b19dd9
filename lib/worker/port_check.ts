import { GatewayError, messageOf } from "../errors.ts";
import { type Endpoint, formatEndpoint } from "../rpc/endpoint.ts";
import { findSocketOwner, readTcpSockets } from "./tcp_sockets.ts";
import { listenerAt } from "../net/tcp_table.ts";

/**
 * Checks that an rpc server can listen there: it says itself only that it failed, whatever the reason, and exits as
 * if all were well.
 *
 * @throws {GatewayError} `conflict` if somebody listens there, and who; `invalid_request` if the address cannot be used.
 */
export async function assertPortFree({ host, port }: Pick<Endpoint, "host" | "port">): Promise<void> {
  try {
    Deno.listen({ hostname: host, port }).close();
  } catch (error) {
    const isTaken = error instanceof Deno.errors.AddrInUse;
    const why = isTaken ? await explainTaken(host, port) : explainUnusable(error);
    const message = `Cannot run an rpc server at ${formatEndpoint({ host, port })}: ${why}`;
    throw new GatewayError(isTaken ? "conflict" : "invalid_request", message, { cause: error });
  }
}

async function explainTaken(host: string, port: number): Promise<string> {
  const listener = listenerAt(await readTcpSockets(port) ?? [], host);
  const owner = listener && await findSocketOwner(listener.inode);
  return `${owner ?? "another program"} listens there; stop it, or choose another port by --port`;
}

function explainUnusable(error: unknown): string {
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return "this machine does not have that address; give one that it has by --host";
  }
  return `${messageOf(error)}; choose another by --host or --port`;
}
