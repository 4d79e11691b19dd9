import { MIB } from "../units.ts";
import type { LoadRecord } from "./load_rows.ts";

/** Below it a buffer is rounding and alignment, and its ratio says nothing. */
const MIN_BUFFER_BYTES = MIB;
/** Below it the time of a load is that of starting a process. */
const MIN_WEIGHT_BYTES = 256 * MIB;
/** What an estimate can be wrong by; more is a mistake elsewhere, which no factor mends. */
const FACTOR = { min: 0.5, max: 4 };

/**
 * By what the estimate of a compute buffer is to be multiplied: the largest ratio of actual to estimated bytes, within
 * 0.5 and 4. Buffers below 1 MiB do not count; 1 if none does.
 */
export function correctionFactor(loads: readonly Pick<LoadRecord, "devices">[]): number {
  const ratios = loads.flatMap(({ devices }) => devices)
    .map(({ estimated, actual }) => ({ estimated: estimated.computeBytes, actual: actual.computeBytes }))
    .filter(({ estimated, actual }) => Math.min(estimated, actual) >= MIN_BUFFER_BYTES)
    .map(({ estimated, actual }) => actual / estimated);
  if (ratios.length === 0) return 1;
  return Math.min(FACTOR.max, Math.max(FACTOR.min, ...ratios));
}

/** The median of the loads' weights per second, bytes; `undefined` if none was large enough, 256 MiB, to tell. */
export function medianBytesPerSecond(
  loads: readonly Pick<LoadRecord, "devices" | "loadMs">[],
): number | undefined {
  const rates = loads
    .map(({ devices, loadMs }) => ({
      weightBytes: devices.reduce((sum, { actual }) => sum + actual.weightBytes, 0),
      loadMs,
    }))
    .filter(({ weightBytes, loadMs }) => weightBytes >= MIN_WEIGHT_BYTES && loadMs > 0)
    .map(({ weightBytes, loadMs }) => weightBytes / loadMs * 1_000)
    .toSorted((a, b) => a - b);
  const middle = rates.length / 2;
  if (rates.length === 0) return undefined;
  return (rates[Math.floor(middle)]! + rates[Math.ceil(middle) - 1]!) / 2;
}
