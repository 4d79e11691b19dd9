import { type Finding, ok, skip, warn } from "./finding.ts";
import type { Machine } from "./machine.ts";

const CURE = "sudo timedatectl set-ntp true (systemd-timesyncd or chrony must be installed)";

/** Whether somebody keeps this host's clock right. */
export async function examineClock(
  machine: Pick<Machine, "stat" | "ask">,
  signal: AbortSignal,
): Promise<Finding> {
  if (await machine.stat("/run/systemd/timesync/synchronized")) return ok("set by the network's time (NTP)");
  const answer = await machine.ask("timedatectl", ["show", "--property=NTPSynchronized", "--value"], signal);
  if (answer?.code !== 0) return skip("nobody here tells whether the clock is set by the network's time");
  if (answer.stdout.trim() === "yes") return ok("set by the network's time (NTP)");
  return warn("nobody sets the clock: logs of several machines will not fit together", CURE);
}
