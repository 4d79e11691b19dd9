import type { Clock } from "../clock.ts";
import { parseTcpConnections } from "../net/tcp_table.ts";
import { readSocketInodes } from "../process/socket_inodes.ts";
import { BackendSockets, type SocketLook } from "./backend_sockets.ts";
import type { Fault } from "./coordinator_failure.ts";

/** How {@linkcode watchConnections} looks. */
export interface ConnectionWatchOptions {
  /** `host:port` of its rpc backends, as llama-server was told. */
  readonly endpoints: readonly string[];
  /** What the kernel shows of the coordinator; `undefined` if it shows nothing. See {@linkcode readSocketLook}. */
  readonly look: () => Promise<SocketLook | undefined>;
  /** Whether nothing is in flight, as far as the coordinator tells. */
  readonly isIdle: () => Promise<boolean>;
  /** Ends the watch: the process has exited. */
  readonly signal: AbortSignal;
  /** Times the looks. */
  readonly clock: Clock;
}

const LOOK_MS = 1_500;
/** A coordinator that computes finds out by itself within milliseconds, and says more about it than we could. */
const OWN_WORDS_MS = 1_000;

/**
 * Waits until an rpc backend of a coordinator closes its connection, without touching either. Begin it right after the
 * load. A coordinator of which the kernel shows nothing is not watched.
 *
 * @returns The loss; `undefined` if the signal aborted first, or nothing can be seen. Never rejects.
 */
export async function watchConnections(options: ConnectionWatchOptions): Promise<Fault | undefined> {
  const { endpoints, look, isIdle, signal, clock } = options;
  const loaded = await look();
  if (!loaded) return undefined;
  const sockets = new BackendSockets(endpoints, loaded);
  if (sockets.openCount === 0) return undefined;
  while (await passes(LOOK_MS, clock, signal)) {
    const seen = await look();
    const lost = seen && sockets.findLoss(seen);
    if (!lost) continue;
    const mayBeLeft = await isIdle() || await passes(OWN_WORDS_MS, clock, signal);
    return mayBeLeft && !signal.aborted ? describeLoss(lost) : undefined;
  }
  return undefined;
}

/** What the kernel shows of a process and its connections to these ports; `undefined` if it shows no table. */
export async function readSocketLook(
  pid: number,
  ports: ReadonlySet<number>,
): Promise<SocketLook | undefined> {
  // llama.cpp connects over IPv4 only.
  const table = await Deno.readTextFile(`/proc/${pid}/net/tcp`).catch(() => undefined);
  if (table === undefined) return undefined;
  const connections = [...ports].flatMap((port) => parseTcpConnections(table, port));
  return { connections, inodes: await readSocketInodes(pid) };
}

/** @returns False if the signal aborted first. */
function passes(ms: number, clock: Clock, signal: AbortSignal): Promise<boolean> {
  return clock.sleep(ms, { signal }).then(() => true, () => false);
}

function describeLoss(endpoints: readonly string[]): Fault {
  const [endpoint, ...others] = endpoints;
  if (others.length === 0) {
    return { reason: `the rpc backend ${endpoint} has closed its connection`, suspectEndpoint: endpoint };
  }
  return { reason: `one of the rpc backends ${endpoints.join(", ")} has closed its connection` };
}
