import { dirname } from "node:path";
import { messageOf } from "../errors.ts";
import { fail, type Finding, ok, warn } from "./finding.ts";
import type { FileFacts, Machine } from "./machine.ts";

const CURE = "name another by state_dir (--state-dir)";

/** Whether what must outlive a restart can be kept. */
export async function examineStateDirectory(
  machine: Pick<Machine, "stat" | "whyNotWrite">,
  path: string,
  signal: AbortSignal,
): Promise<Finding> {
  try {
    const facts = await machine.stat(path);
    if (!facts) return await examineFuture(machine, path, signal);
    if (facts.kind !== "directory") return fail(`${path} is no directory`, CURE, { path });
    const trouble = await machine.whyNotWrite(path, signal);
    if (trouble !== undefined) {
      return fail(`${path} cannot be written: ${trouble}`, cureFor(trouble, path, facts), { path });
    }
    const isOpen = (facts.mode & 0o022) !== 0 && (facts.mode & 0o1000) === 0;
    if (isOpen) return warn(`${path} may be written by others`, `chmod 700 ${path}`, { path });
    return ok(path, { path });
  } catch (error) {
    return fail(`${path} cannot be used: ${messageOf(error)}`, CURE, { path });
  }
}

/** The first start makes it, with all that is missing above it. */
async function examineFuture(
  machine: Pick<Machine, "stat" | "whyNotWrite">,
  path: string,
  signal: AbortSignal,
): Promise<Finding> {
  let above = dirname(path);
  while (above !== dirname(above) && !(await machine.stat(above))) above = dirname(above);
  const facts = await machine.stat(above);
  if (facts?.kind !== "directory") {
    return fail(`${path} cannot be made: ${above} is no directory`, CURE, { path });
  }
  const trouble = await machine.whyNotWrite(above, signal);
  if (trouble !== undefined) {
    return fail(
      `${path} cannot be made: in ${above}, ${trouble}`,
      `sudo install -d -o $USER ${path}, or ${CURE}`,
      {
        path,
      },
    );
  }
  return ok(`${path} is made by the first start`, { path });
}

function cureFor(trouble: string, path: string, { userId }: FileFacts): string {
  if (trouble.includes("read-only")) return `mount it for writing: sudo mount -o remount,rw …, or ${CURE}`;
  return userId === 0 ? `run sudo sollol doctor, or ${CURE}` : `sudo chown $USER ${path}, or ${CURE}`;
}
