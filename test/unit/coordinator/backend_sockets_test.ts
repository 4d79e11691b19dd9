import { deepEqual, equal } from "node:assert/strict";
import { BackendSockets, type SocketLook } from "../../../lib/coordinator/backend_sockets.ts";
import { parseTcpConnections, type TcpSocket } from "../../../lib/net/tcp_table.ts";

/** Recorded with llama-server on three rpc backends, before and after the second was killed. */
const ENDPOINTS = ["127.0.0.2:34707", "127.0.0.3:43929", "127.0.0.4:41283"];
const OWN = new Set([4_096_493, 4_096_522, 4_097_350, 4_096_525, 4_097_241]);

function recorded(name: string): SocketLook {
  const path = new URL(`../../fixtures/proc_net_tcp/${name}`, import.meta.url);
  const table = Deno.readTextFileSync(path);
  return {
    connections: [34_707, 43_929, 41_283].flatMap((port) => parseTcpConnections(table, port)),
    inodes: OWN,
  };
}

function socket(inode: number, remote: string, state: TcpSocket["state"] = "established"): TcpSocket {
  return { localAddress: "10.0.0.1", localPort: 40_000 + inode, remote, state, inode };
}

/** A look at connections of the coordinator; `open` are the inodes that it has, all of them by default. */
function look(connections: TcpSocket[], open = connections.map(({ inode }) => inode)): SocketLook {
  return { connections, inodes: new Set(open) };
}

Deno.test("BackendSockets names the backend that was killed, in the kernel's own words", () => {
  const sockets = new BackendSockets(ENDPOINTS, recorded("coordinator_loaded.txt"));
  equal(sockets.openCount, 3);
  equal(sockets.findLoss(recorded("coordinator_loaded.txt")), undefined);
  deepEqual(sockets.findLoss(recorded("coordinator_lost_one.txt")), ["127.0.0.3:43929"]);
});

Deno.test("BackendSockets sees a connection that was reset: it is open, and twice in no table", () => {
  const both = [socket(1, "10.0.0.2:1"), socket(2, "10.0.0.3:1")];
  const sockets = new BackendSockets(["10.0.0.2:1", "10.0.0.3:1"], look(both));
  const lacksOne = look(both.slice(0, 1), [1, 2]);
  equal(
    sockets.findLoss(lacksOne),
    undefined,
    "the kernel's table is read in parts, and a row may be missed",
  );
  equal(sockets.findLoss(look(both)), undefined);
  equal(sockets.findLoss(lacksOne), undefined);
  deepEqual(sockets.findLoss(lacksOne), ["10.0.0.3:1"]);
});

Deno.test("BackendSockets takes a connection that the coordinator is closing for no loss", () => {
  const sockets = new BackendSockets(["10.0.0.2:1"], look([socket(1, "10.0.0.2:1")]));
  for (let times = 0; times < 3; times++) {
    equal(sockets.findLoss(look([socket(1, "10.0.0.2:1", "other")])), undefined);
  }
});

Deno.test("BackendSockets sees a loss that came before the first look", () => {
  const loaded = look([socket(1, "10.0.0.2:1", "half closed")]);
  deepEqual(new BackendSockets(["10.0.0.2:1"], loaded).findLoss(loaded), ["10.0.0.2:1"]);
});

Deno.test("BackendSockets takes a coordinator that closes its connections for no loss, and sees it connect again", () => {
  const sockets = new BackendSockets(["10.0.0.2:1"], look([socket(1, "10.0.0.2:1")]));
  equal(sockets.findLoss(look([])), undefined);
  equal(sockets.openCount, 0);
  equal(sockets.findLoss(look([socket(0, "10.0.0.2:1", "other")], [])), undefined, "the closed one lingers");
  equal(sockets.findLoss(look([socket(7, "10.0.0.2:1")])), undefined);
  deepEqual(sockets.findLoss(look([socket(7, "10.0.0.2:1", "half closed")])), ["10.0.0.2:1"]);
});

Deno.test("BackendSockets does not care for others' connections, nor for those to other places", () => {
  const loaded = look([socket(1, "10.0.0.2:1"), socket(2, "10.0.0.2:1")], [1]);
  const sockets = new BackendSockets(["10.0.0.2:1"], loaded);
  const web = socket(3, "93.184.216.34:1");
  equal(sockets.findLoss(look([socket(1, "10.0.0.2:1"), web])), undefined);
  equal(
    sockets.findLoss(
      look([
        socket(1, "10.0.0.2:1"),
        { ...web, state: "half closed" },
        socket(2, "10.0.0.2:1", "half closed"),
      ], [1, 3]),
    ),
    undefined,
  );
});

for (
  const { name, endpoints, remote, want } of [
    {
      name: "by its address",
      endpoints: ["10.0.0.2:1", "gpu1:1"],
      remote: "10.0.0.2:1",
      want: ["10.0.0.2:1"],
    },
    {
      name: "by the port of its name",
      endpoints: ["10.0.0.2:1", "gpu1:1", "gpu2:2"],
      remote: "10.0.0.9:1",
      want: ["gpu1:1"],
    },
    {
      name: "as one of those that it can be",
      endpoints: ["gpu1:1", "gpu2:1"],
      remote: "10.0.0.9:1",
      want: ["gpu1:1", "gpu2:1"],
    },
  ]
) {
  Deno.test(`BackendSockets names a backend ${name}`, () => {
    const sockets = new BackendSockets(endpoints, look([socket(1, remote)]));
    deepEqual(sockets.findLoss(look([socket(1, remote, "half closed")])), want);
  });
}

Deno.test("BackendSockets watches nothing that is no backend", () => {
  for (const remote of ["10.0.0.9:1", "10.0.0.2:2"]) {
    equal(new BackendSockets(["10.0.0.2:1"], look([socket(1, remote)])).openCount, 0, remote);
  }
  equal(new BackendSockets([], look([socket(1, "10.0.0.2:1")])).openCount, 0);
});
