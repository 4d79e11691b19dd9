import { basename } from "node:path";
import { RPC_SERVER_NAMES } from "../llama_cpp/find.ts";
import { DEFAULT_RPC_PORT } from "../rpc/endpoint.ts";
import type { Machine } from "./machine.ts";

/** An rpc server that runs on this host, as its command line says. */
export interface RpcServerHere {
  /** Process id. */
  readonly pid: number;
  /** Address that it listens on; `0.0.0.0` for all. */
  readonly host: string;
  /** TCP port. */
  readonly port: number;
  /** The systemd unit that it runs in; `undefined` for none. */
  readonly unit: string | undefined;
}

/** All rpc servers of this host, whoever started them; none where there is no `/proc`. */
export async function findRpcServersHere(
  machine: Pick<Machine, "list" | "readText">,
): Promise<RpcServerHere[]> {
  const pids = (await machine.list("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map(async (pid) => {
    const words = (await machine.readText(`/proc/${pid}/cmdline`) ?? "").split("\0");
    // started through the loader of its own libc, its name is not the first word
    const at = words.findLastIndex((word) =>
      (RPC_SERVER_NAMES as readonly string[]).includes(basename(word))
    );
    if (at < 0 || (at > 0 && !basename(words[0]!).startsWith("ld-"))) return undefined;
    const args = words.slice(at + 1);
    const unit = unitIn(await machine.readText(`/proc/${pid}/cgroup`) ?? "");
    const port = Number(optionIn(args, ["-p", "--port"]) ?? DEFAULT_RPC_PORT);
    return { pid, host: optionIn(args, ["-H", "--host"]) ?? "127.0.0.1", port, unit };
  }));
  return found.filter((server) => server !== undefined);
}

function optionIn(args: readonly string[], names: readonly string[]): string | undefined {
  const at = args.findLastIndex((arg) => names.includes(arg));
  return at < 0 ? undefined : args[at + 1];
}

/** Of the system's manager only: another's address filters need rights that it has not. */
function unitIn(cgroup: string): string | undefined {
  const path = /^(?:0:|\d+:name=systemd):(\/.*)$/m.exec(cgroup)?.[1] ?? "";
  if (path.includes("/user.slice/")) return undefined;
  return /([^/]+\.service)$/.exec(path)?.[1];
}
