/**
 * The kernel's tables of TCP sockets as text, IPv4 and then IPv6, for the parsers of `lib/net/tcp_table.ts`.
 *
 * @returns `undefined` where the kernel has no such tables: only Linux does.
 */
export async function readTcpTables(): Promise<string | undefined> {
  const tables = await Promise.all(
    ["/proc/net/tcp", "/proc/net/tcp6"].map((path) => Deno.readTextFile(path).catch(() => undefined)),
  );
  const read = tables.filter((table) => table !== undefined); // without IPv6 there is only one
  return read.length === 0 ? undefined : read.join("\n");
}
