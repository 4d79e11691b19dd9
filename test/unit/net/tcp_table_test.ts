import { deepEqual, equal } from "node:assert/strict";
import { clientsOf, listenerAt, parseTcpConnections, parseTcpTable } from "../../../lib/net/tcp_table.ts";

/** Recorded from the kernel with a real rpc server on 127.0.0.2:50952 and a dual-stack listener on port 50953. */
const recorded = (name: string) => {
  return Deno.readTextFileSync(new URL(`../../fixtures/proc_net_tcp/${name}`, import.meta.url));
};

Deno.test("clientsOf() names the client that is served, not one that waits, nor our own end of it", () => {
  const sockets = parseTcpTable(recorded("tcp.txt"), 50_952);
  deepEqual(sockets.map(({ state }) => state), ["listening", "half closed", "established"]);
  deepEqual(clientsOf(sockets, "127.0.0.2"), ["127.0.0.1:57362"]);
  const waiting = sockets.map((socket) => ({ ...socket, inode: 0 }));
  deepEqual(clientsOf(waiting, "127.0.0.2"), []);
});

Deno.test("clientsOf() knows clients of one address from those of another", () => {
  const sockets = parseTcpTable(recorded("tcp.txt"), 50_952);
  deepEqual(clientsOf(sockets, "127.0.0.3"), []);
  deepEqual(clientsOf(sockets, "0.0.0.0"), ["127.0.0.1:57362"]);
});

Deno.test("parseTcpTable() writes a v4 address in v6 form as v4, and others in full", () => {
  const sockets = parseTcpTable(recorded("tcp6.txt"), 50_953);
  deepEqual(sockets.map(({ localAddress, remote, state }) => [localAddress, remote, state]), [
    ["0:0:0:0:0:0:0:0", "0:0:0:0:0:0:0:0:0", "listening"],
    ["127.0.0.1", "127.0.0.1:42800", "established"],
    ["0:0:0:0:0:0:0:1", "0:0:0:0:0:0:0:1:44286", "established"],
  ]);
});

Deno.test("listenerAt() finds who is in the way", () => {
  equal(listenerAt(parseTcpTable(recorded("tcp.txt"), 50_952), "127.0.0.2")?.inode, 1_658_587);
  equal(listenerAt(parseTcpTable(recorded("tcp.txt"), 50_952), "127.0.0.9"), undefined);
  equal(
    listenerAt(parseTcpTable(recorded("tcp6.txt"), 50_953), "10.0.0.1")?.inode,
    1_658_687,
    "who listens everywhere",
  );
});

Deno.test("parseTcpTable() passes over what is no row", () => {
  const odd = "  1: 0200007F:C708 \n  2: 0200007F:C708 garbage:C708 01 0 0 0\n" + "x".repeat(1e6) + ":C708 ";
  deepEqual(parseTcpTable(odd, 0xC708), []);
  deepEqual(parseTcpTable("", 1), []);
});

Deno.test("parseTcpConnections() finds our end of connections to a port, and what became of them", () => {
  const states = (name: string) => {
    return parseTcpConnections(recorded(name), 43_929).filter(({ inode }) => inode !== 0)
      .map(({ localAddress, remote, state, inode }) => [localAddress, remote, state, inode]);
  };
  deepEqual(states("coordinator_loaded.txt"), [["127.0.0.1", "127.0.0.3:43929", "established", 4_096_525]]);
  deepEqual(states("coordinator_lost_one.txt"), [["127.0.0.1", "127.0.0.3:43929", "half closed", 4_096_525]]);
  deepEqual(parseTcpConnections(recorded("coordinator_loaded.txt"), 3_929), []);
});
