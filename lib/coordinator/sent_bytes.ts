import { run } from "../process/run.ts";
import { readSocketInodes } from "../process/socket_inodes.ts";

/** How far one connection to an rpc backend is. */
export interface BackendConnection {
  /** Identifies its socket. */
  readonly inode: number;
  /** Address and port of the other side. */
  readonly remote: string;
  /** Bytes that the other side's kernel has acknowledged. */
  readonly ackedBytes: number;
  /** Bytes that came from there. */
  readonly receivedBytes: number;
  /** Bytes that were written and are not acknowledged: the other side does not read, or they are on their way. */
  readonly waitingBytes: number;
}

const TIMEOUT_MS = 2_000;

/**
 * The connections of a process to these ports of other sides that are open.
 *
 * @returns `undefined` where it cannot be known: there is no `ss` of iproute2, or it fails.
 * @throws The signal's reason.
 */
export async function readBackendConnections(
  pid: number,
  ports: ReadonlySet<number>,
  signal: AbortSignal,
): Promise<readonly BackendConnection[] | undefined> {
  const isThere = [...ports].map((port) => `dport = :${port}`).join(" or ");
  try {
    const { code, stdout } = await run("ss", ["-tinHe", "state", "established", `( ${isThere} )`], {
      signal,
      timeoutMs: TIMEOUT_MS,
    });
    if (code !== 0) return undefined;
    const inodes = await readSocketInodes(pid);
    return parseConnections(stdout).filter(({ inode }) => inodes.has(inode));
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/**
 * What `ss -tinHe` says of each connection. One that has not brought a byte yet, and all where the kernel does not
 * count, have no such figure and are left out.
 *
 * @see ss(8) of iproute2: a line begins with Recv-Q, Send-Q, both addresses; `ino` is the socket's inode,
 *   `bytes_acked` counts the SYN as one byte
 */
export function parseConnections(output: string): BackendConnection[] {
  return output.split(/\n(?=\S)/).flatMap((entry) => { // what belongs to a connection is indented below it
    const [, waiting, remote] = /^\d+\s+(\d+)\s+\S+\s+(\S+)/.exec(entry) ?? [];
    const [, inode] = /\bino:(\d+)/.exec(entry) ?? [];
    const [, acked] = /\bbytes_acked:(\d+)/.exec(entry) ?? [];
    const [, received = 0] = /\bbytes_received:(\d+)/.exec(entry) ?? [];
    if (remote === undefined || inode === undefined || acked === undefined) return [];
    return [{
      inode: Number(inode),
      remote,
      ackedBytes: Number(acked),
      receivedBytes: Number(received),
      waitingBytes: Number(waiting),
    }];
  });
}
