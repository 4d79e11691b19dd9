import type { ServiceOptions } from "./service_options.ts";
import type { ManagerKind } from "./unit_file.ts";

/** For what ends after its drain: the rest of the way out, seconds. */
const STOP_MARGIN_SECONDS = 30;

/** When a unit is started by itself. */
export function installLines(manager: ManagerKind): string[] {
  return [`WantedBy=${manager === "user" ? "default.target" : "multi-user.target"}`];
}

/** What a service waits for: the network and its GPUs. The systemd of a user knows of neither. */
export function orderLines({ manager, gpu }: ServiceOptions): string[] {
  if (manager === "user") return [];
  const drivers = gpu === "nvidia" ? " nvidia-persistenced.service" : "";
  return ["Wants=network-online.target", `After=network-online.target${drivers}`];
}

/**
 * The limit of memory, if there is one.
 *
 * @throws {RangeError} If it is no number of bytes.
 */
export function memoryLines({ memoryMaxBytes }: ServiceOptions): string[] {
  return memoryMaxBytes === undefined ? [] : [`MemoryMax=${checkedCount(memoryMaxBytes, "bytes of memory")}`];
}

/**
 * A directory below `/var/cache`, or a user's cache directory, that is the service's alone.
 *
 * @param name With specifiers; nothing to be escaped.
 */
export function cacheLines(name: string): string[] {
  return [`CacheDirectory=${name}`, "CacheDirectoryMode=0700"];
}

/** How a service that lets its work finish is stopped: it is told alone, and what it leaves behind is killed. */
export function drainLines(drainMs: number): string[] {
  const drainSeconds = Math.ceil(checkedCount(Math.ceil(drainMs), "milliseconds of drain", 0) / 1_000);
  return ["KillMode=mixed", `TimeoutStopSec=${drainSeconds + STOP_MARGIN_SECONDS}s`];
}

/**
 * The same number.
 *
 * @param what Names it for people, such as `threads`.
 * @throws {RangeError} If it is not whole, or less than the least.
 */
export function checkedCount(count: number, what: string, least = 1): number {
  if (Number.isSafeInteger(count) && count >= least) return count;
  throw new RangeError(`Cannot write ${count} ${what} into a unit: write a whole number from ${least} on`);
}

/**
 * The same port.
 *
 * @throws {RangeError} If it is none.
 */
export function checkedPort(port: number): number {
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new RangeError(`Cannot listen on port ${port}: write a number from 1 to 65535`);
}
