import { type Finding, ok, skip, warn } from "./finding.ts";
import type { Machine } from "./machine.ts";

/** Older ones lack what our units ask for: `LoadCredential=` came with 247. */
const LEAST_VERSION = 247;

/** Whether this host's systemd keeps what our units promise. */
export async function examineSystemd(
  machine: Pick<Machine, "stat" | "ask">,
  signal: AbortSignal,
): Promise<Finding> {
  if (!await machine.stat("/run/systemd/system")) return skip("systemd does not run this machine");
  const answer = await machine.ask("systemctl", ["--version"], signal);
  const version = Number(/^systemd (\d+)/.exec(answer?.stdout ?? "")?.[1]);
  if (Number.isNaN(version)) return skip("systemctl does not tell its version");
  const isUnified = await machine.stat("/sys/fs/cgroup/cgroup.controllers") !== undefined;
  const figures = { version, isCgroupUnified: isUnified };
  if (version < LEAST_VERSION) {
    return warn(
      `systemd ${version} is older than ${LEAST_VERSION}: keys of units cannot be kept from other users`,
      "upgrade this system, or keep keys in files of the service's user",
      figures,
    );
  }
  if (!isUnified) {
    return warn(
      `systemd ${version} with control groups of version 1: IPAddressAllow= and memory limits of units do not hold`,
      "boot with systemd.unified_cgroup_hierarchy=1, and guard rpc servers by a firewall until then",
      figures,
    );
  }
  return ok(`systemd ${version}, cgroup v2: address filters and memory limits of units hold`, figures);
}
