import { namesIn } from "./directory_names.ts";
import { parseTcpTable, type TcpSocket } from "./tcp_table.ts";

/**
 * The kernel's TCP sockets on one local port: who holds an rpc server is seen there without touching it.
 *
 * @returns `undefined` where the kernel has no such table: only Linux does.
 */
export async function readTcpSockets(port: number): Promise<TcpSocket[] | undefined> {
  const tables = await Promise.all(
    ["/proc/net/tcp", "/proc/net/tcp6"].map((path) => Deno.readTextFile(path).catch(() => undefined)),
  );
  const read = tables.filter((table) => table !== undefined); // without IPv6 there is only one
  return read.length === 0 ? undefined : read.flatMap((table) => parseTcpTable(table, port));
}

/** The process that has a socket, as `name, pid 123`; `undefined` if it is another user's, or gone. */
export async function findSocketOwner(inode: number): Promise<string | undefined> {
  const target = `socket:[${inode}]`;
  for (const pid of await namesIn("/proc", /^\d+$/)) {
    for (const fd of await namesIn(`/proc/${pid}/fd`, /^\d+$/)) {
      if (await Deno.readLink(`/proc/${pid}/fd/${fd}`).catch(() => "") !== target) continue;
      const name = await Deno.readTextFile(`/proc/${pid}/comm`).catch(() => "a program");
      return `${name.trim()}, pid ${pid}`;
    }
  }
  return undefined;
}
