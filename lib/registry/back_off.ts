const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;
/** Share by which a pause is longer or shorter, so that backends that fell together are not asked together. */
const JITTER = 0.2;

/**
 * How long to wait before a backend that is not up is asked again: 1 s, 2 s, 4 s … 60 s, each ±20 %, in ms.
 *
 * @param failureCount How often in a row it was not up, from 1.
 * @param random From 0 to 1; 0.5 for no jitter.
 */
export function backOffMs(failureCount: number, random: number): number {
  const plainMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.max(0, failureCount - 1));
  return Math.round(plainMs * (1 - JITTER + 2 * JITTER * random));
}
