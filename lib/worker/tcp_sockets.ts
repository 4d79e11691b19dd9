import { parseTcpTable, type TcpSocket } from "../net/tcp_table.ts";
import { readSocketInodes } from "../process/socket_inodes.ts";
import { readTcpTables } from "../process/tcp_tables.ts";
import { namesIn } from "./directory_names.ts";

/**
 * The kernel's TCP sockets on one local port: who holds an rpc server is seen there without touching it.
 *
 * @returns `undefined` where the kernel has no such table: only Linux does.
 */
export async function readTcpSockets(port: number): Promise<TcpSocket[] | undefined> {
  const tables = await readTcpTables();
  return tables === undefined ? undefined : parseTcpTable(tables, port);
}

/** The process that has a socket, as `name, pid 123`; `undefined` if it is another user's, or gone. */
export async function findSocketOwner(inode: number): Promise<string | undefined> {
  for (const pid of await namesIn("/proc", /^\d+$/)) {
    if (!(await readSocketInodes(Number(pid))).has(inode)) continue;
    const name = await Deno.readTextFile(`/proc/${pid}/comm`).catch(() => "a program");
    return `${name.trim()}, pid ${pid}`;
  }
  return undefined;
}
