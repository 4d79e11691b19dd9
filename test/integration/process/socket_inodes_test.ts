import { deepEqual, equal } from "node:assert/strict";
import { parseTcpConnections } from "../../../lib/net/tcp_table.ts";
import { readSocketInodes } from "../../../lib/process/socket_inodes.ts";

Deno.test("readSocketInodes() finds the sockets that a process has open, by the kernel's numbers", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const client = await Deno.connect({ hostname: "127.0.0.1", port });
  using _server = await listener.accept();
  // Of a server that had this port before, rows may be left whose connections are over.
  const rows = parseTcpConnections(await Deno.readTextFile("/proc/net/tcp"), port);
  const ours = rows.find(({ state }) => state === "established");
  equal((await readSocketInodes(Deno.pid)).has(ours!.inode), true);
  client.close();
  equal((await readSocketInodes(Deno.pid)).has(ours!.inode), false);
});

Deno.test("readSocketInodes() finds none of a process that does not exist", async () => {
  deepEqual(await readSocketInodes(2 ** 22 + 1), new Set());
});
