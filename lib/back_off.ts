const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;
/** Share by which a pause is longer or shorter, so that what failed together is not tried together again. */
const JITTER = 0.2;

/**
 * How long to wait before something that failed is tried again: 1 s, 2 s, 4 s … 60 s, each ±20 %, in ms.
 *
 * @param failureCount How often in a row it failed, from 1.
 * @param random From 0 to 1. Default 0.5, which is no jitter.
 */
export function backOffMs(failureCount: number, random = 0.5): number {
  const plainMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.max(0, failureCount - 1));
  return Math.round(plainMs * (1 - JITTER + 2 * JITTER * random));
}
