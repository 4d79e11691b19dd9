import { formatBytes, MIB } from "../units.ts";
import {
  memoryCgroups,
  type MemoryFigures,
  type MemoryLimit,
  parseMeminfo,
  parseMemoryLimit,
  withinLimits,
} from "../worker/memory_info.ts";
import { type Finding, ok, skip, warn } from "./finding.ts";
import type { Machine } from "./machine.ts";

/** Below this a coordinator's own part of a model hardly fits, bytes. */
const SCARCE_BYTES = 512 * MIB;
/** `vm.overcommit_memory` at which the kernel refuses what is mapped but never touched. */
const NEVER_OVERCOMMIT = "2";

/** Whether there is memory left for the coordinators' own part, on this host and within its limits. */
export async function examineMemory(machine: Pick<Machine, "os" | "readText">): Promise<Finding> {
  const meminfo = await machine.readText("/proc/meminfo");
  if (meminfo === undefined) return skip(`${machine.os} does not tell`);
  const host = parseMeminfo(meminfo);
  const limits = await readLimits(machine);
  const memory = withinLimits(host, limits);
  const swapBytes = kibibytes(meminfo, "SwapTotal");
  const overcommit = (await machine.readText("/proc/sys/vm/overcommit_memory"))?.trim();
  const figures = { ...memory, hostTotalBytes: host.totalBytes, swapBytes, overcommit };
  const seen = `${formatBytes(memory.availableBytes)} of ${formatBytes(memory.totalBytes)} free` +
    (memory.totalBytes < host.totalBytes ? ` (limited; the host has ${formatBytes(host.totalBytes)})` : "") +
    (swapBytes === 0 ? ", no swap" : `, ${formatBytes(swapBytes)} of swap`);
  if (memory.availableBytes < SCARCE_BYTES) return warn(seen, cureFor(memory, host), figures);
  if (overcommit === NEVER_OVERCOMMIT) {
    return warn(
      `${seen}; vm.overcommit_memory is 2, with which llama-server may be refused memory that is free`,
      "sudo sysctl vm.overcommit_memory=0",
      figures,
    );
  }
  return ok(seen, figures);
}

function cureFor(memory: MemoryFigures, host: MemoryFigures): string {
  const isLimited = memory.totalBytes < host.totalBytes && host.availableBytes > SCARCE_BYTES;
  return isLimited
    ? "raise the limit of this control group or container (MemoryMax=)"
    : "stop what uses it (`ps aux --sort=-rss | head`), or have large models coordinated by another machine";
}

async function readLimits(machine: Pick<Machine, "readText">): Promise<MemoryLimit[]> {
  const groups = memoryCgroups(await machine.readText("/proc/self/cgroup") ?? "");
  const limits = await Promise.all(groups.map(async ({ version, directory }) => {
    const names = version === 2
      ? ["memory.max", "memory.current"]
      : ["memory.limit_in_bytes", "memory.usage_in_bytes"];
    const [limit, usage, stat] = await Promise.all(
      [...names, "memory.stat"].map((name) => machine.readText(`${directory}/${name}`)),
    );
    return parseMemoryLimit({ limit, usage, stat });
  }));
  return limits.filter((limit) => limit !== undefined);
}

function kibibytes(meminfo: string, key: string): number {
  return Number(new RegExp(`^${key}:\\s+(\\d{1,12}) kB$`, "m").exec(meminfo)?.[1] ?? 0) * 1024;
}
