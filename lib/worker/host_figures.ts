import { join } from "node:path";
import type { HostFigures } from "./device_figures.ts";
import {
  memoryCgroups,
  type MemoryFigures,
  type MemoryLimit,
  parseMeminfo,
  parseMemoryLimit,
  withinLimits,
} from "./memory_info.ts";

const FILES = {
  1: { limit: "memory.limit_in_bytes", usage: "memory.usage_in_bytes" },
  2: { limit: "memory.max", usage: "memory.current" },
} as const;

/**
 * What this machine has now. The memory is what a container's limit leaves, if one is set.
 *
 * @param root What stands before `/proc` and `/sys`; a test's directory.
 */
export async function readHostFigures(root = "/"): Promise<HostFigures> {
  const [memory, limits, load] = await Promise.all([
    readMemory(root),
    readLimits(root),
    readText(root, "/proc/loadavg"),
  ]);
  const load1m = /^\d{1,6}\.\d+/.exec(load ?? "")?.[0];
  return {
    ...withinLimits(memory, limits),
    cpuCount: navigator.hardwareConcurrency,
    load1m: load1m === undefined ? undefined : Number(load1m),
  };
}

async function readMemory(root: string): Promise<MemoryFigures> {
  const text = await readText(root, "/proc/meminfo");
  if (text !== undefined) return parseMeminfo(text);
  const { total, available } = Deno.systemMemoryInfo(); // not Linux
  return { totalBytes: total, availableBytes: Math.min(available, total) };
}

async function readLimits(root: string): Promise<MemoryLimit[]> {
  const groups = memoryCgroups(await readText(root, "/proc/self/cgroup") ?? "");
  const limits = await Promise.all(groups.map(async ({ version, directory }) => {
    const { limit, usage } = FILES[version];
    const [limitText, usageText, stat] = await Promise.all(
      [limit, usage, "memory.stat"].map((name) => readText(root, `${directory}/${name}`)),
    );
    return parseMemoryLimit({ limit: limitText, usage: usageText, stat });
  }));
  return limits.filter((limit) => limit !== undefined);
}

async function readText(root: string, path: string): Promise<string | undefined> {
  return await Deno.readTextFile(join(root, path)).catch(() => undefined);
}
