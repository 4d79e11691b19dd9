import type { TcpSocket } from "../net/tcp_table.ts";

/** What the kernel shows of a coordinator's connections at one moment. */
export interface SocketLook {
  /** Connections of anybody to the ports of its rpc backends. */
  readonly connections: readonly TcpSocket[];
  /** Inodes of the sockets that the coordinator had open, read after the connections. */
  readonly inodes: ReadonlySet<number>;
}

/**
 * Which of a coordinator's rpc backends have closed their connection to it. A backend that dies while the coordinator
 * is idle is noticed by nobody but the kernel: it has the end of the stream, and llama-server does not read.
 *
 * Nothing else is taken for a loss: a connection that the coordinator closed itself, as one does that unloads an idle
 * model, has left its open files.
 */
export class BackendSockets {
  /** By the address at the other side, those of the endpoints that it can be. */
  readonly #backends: ReadonlyMap<string, readonly string[]>;
  /** Inodes of its connections to rpc backends, and the address at the other side. */
  readonly #open = new Map<number, string>();
  /** Those that were in no table at the last look: a reset takes them out of it, but a reader may miss a row, too. */
  #missing = new Set<number>();

  /**
   * Learns where the rpc backends are: llama-server looks up their names by itself.
   *
   * @param endpoints `host:port` of each, as llama-server was told.
   * @param loaded Seen right after the load, before a request could make it connect to anybody else.
   */
  constructor(endpoints: readonly string[], loaded: SocketLook) {
    const held = ownIn(loaded).filter(isConnected);
    this.#backends = new Map(held.map(({ remote }) => [remote, endpointsAt(remote, endpoints)]));
    this.#remember(held);
  }

  /** How many connections to rpc backends are known to be open. */
  get openCount(): number {
    return this.#open.size;
  }

  /** The rpc backends of which one has closed its connection since; `undefined` if none has. */
  findLoss(look: SocketLook): readonly string[] | undefined {
    const states = new Map(look.connections.map(({ inode, state }) => [inode, state]));
    const missingBefore = this.#missing;
    this.#missing = new Set();
    for (const [inode, remote] of this.#open) {
      if (!look.inodes.has(inode)) {
        this.#open.delete(inode);
        continue;
      }
      const state = states.get(inode);
      if (state === undefined) this.#missing.add(inode);
      const isReset = state === undefined && missingBefore.has(inode);
      if (state === "half closed" || isReset) return this.#backends.get(remote);
    }
    this.#remember(ownIn(look).filter(({ state }) => state === "established"));
    return undefined;
  }

  #remember(sockets: readonly TcpSocket[]): void {
    for (const { inode, remote } of sockets) {
      if (this.#backends.get(remote)?.length) this.#open.set(inode, remote);
    }
  }
}

function ownIn({ connections, inodes }: SocketLook): TcpSocket[] {
  return connections.filter(({ inode }) => inodes.has(inode));
}

function isConnected({ state }: TcpSocket): boolean {
  return state === "established" || state === "half closed";
}

/** An address is that of one endpoint; if it is none of these, it is that of a name with the same port. */
export function endpointsAt(remote: string, endpoints: readonly string[]): readonly string[] {
  if (endpoints.includes(remote)) return [remote];
  const port = remote.slice(remote.lastIndexOf(":"));
  return endpoints.filter((endpoint) =>
    endpoint.endsWith(port) && /[^\d.]/.test(endpoint.slice(0, -port.length))
  );
}
