import { join } from "node:path";
import { fail, type Finding, ok, warn } from "./finding.ts";
import type { Machine } from "./machine.ts";

const CURE = "make or mount it, or correct models (--models)";

/** Whether a place of models is there and can be read by this user. What is in it is looked at elsewhere. */
export async function examineModelRoot(
  machine: Pick<Machine, "stat" | "whyNotRead">,
  path: string,
): Promise<Finding> {
  const facts = await machine.stat(path).catch(() => undefined);
  const trouble = await machine.whyNotRead(path);
  if (!facts && trouble === undefined) return warn(`${path} cannot be looked at`, CURE);
  if (!facts || trouble !== undefined) {
    return fail(
      `${path} cannot be read: ${trouble}`,
      facts ? `sudo usermod -aG ollama $USER, or ${CURE}` : CURE,
    );
  }
  if (facts.kind !== "directory") return ok(`${path}, one file`);
  for (const name of ["manifests", "blobs"]) {
    const inside = await machine.whyNotRead(join(path, name));
    if (inside === undefined || inside.includes("does not exist")) continue;
    return fail(`${join(path, name)} cannot be read: ${inside}`, `sudo usermod -aG ollama $USER, or ${CURE}`);
  }
  return ok(path);
}
