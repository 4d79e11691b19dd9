import { run } from "../process/run.ts";
import { readSocketInodes } from "../process/socket_inodes.ts";

const TIMEOUT_MS = 2_000;

/**
 * How many bytes a process has brought to these ports of other sides, over connections that are open: what their
 * kernels have acknowledged.
 *
 * @returns `undefined` where it cannot be known: there is no `ss` of iproute2, or it does not tell.
 * @throws The signal's reason.
 */
export async function readSentBytes(
  pid: number,
  ports: ReadonlySet<number>,
  signal: AbortSignal,
): Promise<number | undefined> {
  const isThere = [...ports].map((port) => `dport = :${port}`).join(" or ");
  try {
    const { code, stdout } = await run("ss", ["-tinHe", "state", "established", `( ${isThere} )`], {
      signal,
      timeoutMs: TIMEOUT_MS,
    });
    if (code !== 0) return undefined;
    const inodes = await readSocketInodes(pid);
    const own = parseAckedBytes(stdout).filter(({ inode }) => inodes.has(inode));
    return own.length === 0 ? undefined : own.reduce((sum, { ackedBytes }) => sum + ackedBytes, 0);
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/**
 * What `ss -tinHe` says of each connection. One that has not brought a byte yet has no such figure, and is left out.
 *
 * @see ss(8) of iproute2: `ino` is the socket's inode, `bytes_acked` counts the SYN as one byte
 */
export function parseAckedBytes(output: string): { readonly inode: number; readonly ackedBytes: number }[] {
  return output.split(/\n(?=\S)/).flatMap((entry) => { // what belongs to a connection is indented below it
    const [, inode] = /\bino:(\d+)/.exec(entry) ?? [];
    const [, acked] = /\bbytes_acked:(\d+)/.exec(entry) ?? [];
    return inode !== undefined && acked !== undefined
      ? [{ inode: Number(inode), ackedBytes: Number(acked) }]
      : [];
  });
}
