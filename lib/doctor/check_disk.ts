import { dirname } from "node:path";
import { formatBytes, GIB, MIB } from "../units.ts";
import { fail, type Finding, ok, skip, warn } from "./finding.ts";
import type { Machine } from "./machine.ts";

/** A directory, and what is written there. */
export interface UsedDirectory {
  /** Need not exist yet. */
  readonly path: string;
  /** Such as `state`. */
  readonly what: string;
}

const SCARCE_BYTES = GIB;
/** A database that cannot grow any more keeps nothing. */
const FULL_BYTES = 16 * MIB;

/** Whether there is room where something is written. Each file system counts once. */
export async function examineDisk(
  machine: Pick<Machine, "stat" | "readSpace">,
  directories: readonly UsedDirectory[],
): Promise<Finding> {
  const seen = new Set<number>();
  const disks: { readonly path: string; readonly what: string; readonly freeBytes: number }[] = [];
  for (const { path, what } of directories) {
    const existing = await nearestExisting(machine, path);
    const space = existing && await machine.readSpace(existing.path);
    if (!existing || !space || seen.has(existing.device)) continue;
    seen.add(existing.device);
    disks.push({ path, what, freeBytes: space.freeBytes });
  }
  const [tightest] = disks.toSorted((a, b) => a.freeBytes - b.freeBytes);
  if (!tightest) return skip("the system does not tell");
  const { path, what, freeBytes } = tightest;
  const told = `${formatBytes(freeBytes)} free for ${what} (${path})`;
  const cure = `free some: du -xh ${path} | sort -h | tail`;
  if (freeBytes < FULL_BYTES) return fail(`the disk is full: ${told}`, cure, { disks });
  if (freeBytes < SCARCE_BYTES) return warn(`only ${told}`, cure, { disks });
  return ok(disks.map((disk) => `${formatBytes(disk.freeBytes)} free for ${disk.what}`).join(", "), {
    disks,
  });
}

async function nearestExisting(
  machine: Pick<Machine, "stat">,
  path: string,
): Promise<{ path: string; device: number } | undefined> {
  const facts = await machine.stat(path).catch(() => undefined);
  if (facts) return { path, device: facts.device };
  const above = dirname(path);
  return above === path ? undefined : await nearestExisting(machine, above);
}
