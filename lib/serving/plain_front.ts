import type { ListenAddress } from "../config/listen_address.ts";
import type { ClientHandler, Front } from "./front.ts";

/**
 * Listens by the runtime's own server, which knows no limits of connections.
 *
 * @throws {Deno.errors.AddrInUse} And what else `Deno.serve` throws.
 */
export function listenPlainly(address: ListenAddress, handler: ClientHandler): Front {
  // Without a signal: aborting it after shutdown() throws where nobody can catch it (2.9.6).
  const server = Deno.serve({ ...address, onListen: () => {} }, (request, info) => handler(request, info));
  return { addr: server.addr, shutdown: () => server.shutdown() };
}
