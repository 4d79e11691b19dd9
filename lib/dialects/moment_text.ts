/** The last moment that a date can tell, ms. */
const LAST_MS = 8.64e15;

/** A moment as RFC 3339 has it; the beginning of time for what no date can tell. @param ms Since 1970. */
export function momentText(ms: number): string {
  return new Date(Math.abs(ms) <= LAST_MS ? ms : 0).toISOString();
}
