import { ok } from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";

/** Whether a process runs; one that has exited and was not waited for does not. */
export function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
}

/** Waits until a process is gone; fails after 2 s. */
export async function untilGone(pid: number): Promise<void> {
  for (let tries = 0; tries < 200 && isRunning(pid); tries++) await delay(10);
  ok(!isRunning(pid), `process ${pid} still runs`);
}

/** Waits until a line has come; fails after 10 s. */
export async function untilLine(lines: readonly string[], wanted: string | RegExp): Promise<void> {
  const isThere = () =>
    lines.some((line) => typeof wanted === "string" ? line === wanted : wanted.test(line));
  for (let tries = 0; tries < 1_000 && !isThere(); tries++) await delay(10);
  ok(isThere(), `no line ${wanted} among ${JSON.stringify(lines)}`);
}
