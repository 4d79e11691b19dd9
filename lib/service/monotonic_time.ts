/** `/proc/uptime` tells hundredths of a second, rounded down; a moment before the reload began would not count. */
const GRAIN_USEC = 10_000;

/**
 * The time of `CLOCK_MONOTONIC`, µs, or a little later; never earlier, which is what a service manager compares.
 *
 * @returns `undefined` where the kernel does not tell, or a sandbox hides it.
 * @see proc_uptime(5), and sd_notify(3) on `MONOTONIC_USEC`
 */
export function readMonotonicUsec(): number | undefined {
  try {
    const seconds = Number(Deno.readTextFileSync("/proc/uptime").split(" ")[0]);
    return Number.isFinite(seconds) ? Math.round(seconds * 1_000_000) + GRAIN_USEC : undefined;
  } catch {
    return undefined;
  }
}
