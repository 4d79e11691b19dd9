/** Total and available bytes of some memory. */
export interface MemoryFigures {
  /** All of it. */
  readonly totalBytes: number;
  /** What can be had of it without swapping. */
  readonly availableBytes: number;
}

/** What bounds a control group's memory. */
export interface MemoryLimit {
  /** Most that the group may use. */
  readonly limitBytes: number;
  /** What it uses, without cached files that the kernel gives back when asked. */
  readonly usedBytes: number;
}

/** A control group that bounds memory. */
export interface MemoryCgroup {
  /** Which interface its files have. */
  readonly version: 1 | 2;
  /** Absolute path of its files, if it exists. */
  readonly directory: string;
}

/** The texts of one control group's files; `undefined` for one that is not there. */
export interface CgroupFiles {
  /** `memory.max` or `memory.limit_in_bytes`. */
  readonly limit: string | undefined;
  /** `memory.current` or `memory.usage_in_bytes`. */
  readonly usage: string | undefined;
  /** `memory.stat`. */
  readonly stat: string | undefined;
}

/**
 * Reads `/proc/meminfo`. Kernels before 3.14 have no `MemAvailable`: what is free counts there.
 *
 * @throws {RangeError} If it says neither.
 * @see proc_meminfo(5)
 */
export function parseMeminfo(text: string): MemoryFigures {
  const bytesOf = (key: string): number | undefined => {
    const [, kibibytes] = new RegExp(`^${key}:\\s+(\\d{1,12}) kB$`, "m").exec(text) ?? [];
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
  };
  const totalBytes = bytesOf("MemTotal");
  const availableBytes = bytesOf("MemAvailable") ?? bytesOf("MemFree");
  if (totalBytes === undefined || availableBytes === undefined) {
    throw new RangeError(
      "Cannot read /proc/meminfo: it has no MemTotal, or neither MemAvailable nor MemFree",
    );
  }
  return { totalBytes, availableBytes: Math.min(availableBytes, totalBytes) };
}

/**
 * The directories whose memory files bound this process: its control group and all those above it, as absolute paths.
 * In a container the path may be the host's, which does not exist there: the root, the last, does.
 *
 * @param text `/proc/self/cgroup`.
 * @see cgroups(7)
 */
export function memoryCgroups(text: string): MemoryCgroup[] {
  return text.split("\n").flatMap((line): MemoryCgroup[] => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) return [];
    if (controllers === "") {
      return ancestors("/sys/fs/cgroup", path).map((directory) => ({ version: 2, directory }));
    }
    if (!controllers.split(",").includes("memory")) return [];
    return ancestors("/sys/fs/cgroup/memory", path).map((directory) => ({ version: 1, directory }));
  });
}

/**
 * The limit that a control group sets.
 *
 * @returns `undefined` if it sets none, or does not say what it uses.
 * @see https://docs.kernel.org/admin-guide/cgroup-v2.html and cgroup-v1/memory.html
 */
export function parseMemoryLimit({ limit, usage, stat }: CgroupFiles): MemoryLimit | undefined {
  const [limitBytes, usageBytes] = [limit, usage].map(parseCount);
  if (limitBytes === undefined || usageBytes === undefined) return undefined;
  const [, inactive] = /^(?:total_)?inactive_file (\d+)$/m.exec(withoutOwnPart(stat ?? "")) ?? [];
  return { limitBytes, usedBytes: Math.max(0, usageBytes - Number(inactive ?? 0)) };
}

/** The memory that is left by all limits. One that is above what the machine has bounds nothing. */
export function withinLimits(memory: MemoryFigures, limits: readonly MemoryLimit[]): MemoryFigures {
  return limits.filter(({ limitBytes }) => limitBytes < memory.totalBytes).reduce(
    (left, { limitBytes, usedBytes }) => ({
      totalBytes: Math.min(left.totalBytes, limitBytes),
      availableBytes: Math.min(left.availableBytes, Math.max(0, limitBytes - usedBytes)),
    }),
    memory,
  );
}

/** Of version 1, the totals count: they include the groups below. */
function withoutOwnPart(stat: string): string {
  return stat.includes("total_inactive_file") ? stat.replace(/^inactive_file .*$/m, "") : stat;
}

/** `max` is no limit; version 1 writes a number near 2⁶³ for it, which is above any machine's memory. */
function parseCount(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? "";
  return /^\d{1,20}$/.test(trimmed) ? Number(trimmed) : undefined;
}

function ancestors(root: string, path: string): string[] {
  const names = path.split("/").filter((name) => name !== "" && name !== "..");
  return Array.from({ length: names.length + 1 }, (_, dropped) => {
    return [root, ...names.slice(0, names.length - dropped)].join("/");
  });
}
