import { listNames } from "../name_list.ts";
import { type Finding, ok, skip, warn } from "./finding.ts";
import type { Machine } from "./machine.ts";
import { findRpcServersHere, type RpcServerHere } from "./rpc_servers_here.ts";

const MAX_SHOWN = 3;

/** Whether rpc servers of this host take orders from everybody: their protocol has no authentication. */
export async function examineExposure(
  machine: Pick<Machine, "os" | "list" | "readText" | "ask" | "stat">,
  signal: AbortSignal,
): Promise<Finding> {
  if (machine.os !== "linux") return skip(`${machine.os} does not tell`);
  const servers = await findRpcServersHere(machine);
  if (servers.length === 0) return skip("no rpc server runs on this host");
  const reached = servers.filter(({ host }) => !host.startsWith("127."));
  const areFiltersKept = await machine.stat("/sys/fs/cgroup/cgroup.controllers") !== undefined;
  const open = await Promise.all(reached.map(async (server) => {
    const isFiltered = areFiltersKept && server.unit !== undefined &&
      await hasFilter(machine, server.unit, signal);
    return isFiltered ? undefined : server;
  }));
  const unguarded = open.filter((server) => server !== undefined);
  const figures = { servers, unguarded: unguarded.map(({ pid }) => pid) };
  if (unguarded.length === 0) {
    return ok(
      reached.length === 0
        ? "the rpc servers of this host listen on loopback only"
        : "the rpc servers of this host let in only those whom systemd allows",
      figures,
    );
  }
  return warn(
    "everybody on the network may give orders to " + listNames(unguarded.map(nameOf), MAX_SHOWN) +
      ": the protocol has no password, and no allow list of systemd is in force",
    "let only the gateway in: sudo sollol systemd rpc-server install --host ADDRESS --allow GATEWAY; " +
      "behind a firewall that does, all is well",
    figures,
  );
}

async function hasFilter(
  machine: Pick<Machine, "ask">,
  unit: string,
  signal: AbortSignal,
): Promise<boolean> {
  const answer = await machine.ask("systemctl", ["show", "--property=IPAddressDeny", unit], signal);
  return /^IPAddressDeny=.*\b0\.0\.0\.0\/0/m.test(answer?.stdout ?? "");
}

function nameOf({ host, port, pid, unit }: RpcServerHere): string {
  return `${unit ?? "ggml-rpc-server"} at ${host}:${port} (pid ${pid})`;
}

/** What cannot be seen from here of backends on other hosts, at least one; told once for all of them. */
export function remoteExposure(remote: readonly string[]): Finding {
  return skip(
    `whether others reach ${
      listNames(remote, MAX_SHOWN)
    } cannot be seen from here, and whoever does may use it; run ` +
      "sollol doctor there",
  );
}
