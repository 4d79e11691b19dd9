import { formatDuration } from "../units.ts";

/** Less than that is the rounding of dates, and slow answers. */
const TOLERATED_MS = 5_000;

/** What to say of another host's clock, as a clause; `undefined` if it goes like ours, or nobody knows. */
export function describeSkew(skewMs: number | undefined): string | undefined {
  if (skewMs === undefined || Math.abs(skewMs) < TOLERATED_MS) return undefined;
  return `its clock is ${formatDuration(Math.abs(skewMs))} ${skewMs > 0 ? "ahead of" : "behind"} this one's`;
}

/** What to do about it. */
export const SKEW_CURE = "sudo timedatectl set-ntp true, there and here";
