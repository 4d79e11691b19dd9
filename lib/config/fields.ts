import { parseBytes, parseDuration } from "../units.ts";

/** The longest timer that the runtime keeps; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Reads a duration that will become a timer.
 *
 * @returns Whole milliseconds, 1 to 2³¹ - 1.
 * @throws {RangeError} If the text is no duration, or out of that range.
 */
export function parseTimer(text: string): number {
  const ms = Math.round(parseDuration(text));
  if (ms >= 1 && ms <= MAX_TIMER_MS) return ms;
  throw new RangeError(`must be between 1ms and 24d, got "${text}"`);
}

/**
 * Reads a size that must be large enough to work with.
 *
 * @throws {RangeError} If the text is no size, or less than `minBytes`.
 */
export function parseSize(text: string, { minBytes }: { minBytes: number }): number {
  const bytes = parseBytes(text);
  if (bytes >= minBytes) return bytes;
  throw new RangeError(`must be at least ${minBytes} bytes, got "${text}"`);
}

/**
 * Reads the base URL of an HTTP server.
 *
 * @returns Its text without a closing slash.
 * @throws {RangeError} If it is no `http:` or `https:` URL, or has a query or a fragment.
 */
export function parseHttpUrl(text: string): string {
  const url = URL.parse(text);
  if (!url || !["http:", "https:"].includes(url.protocol) || url.search || url.hash) {
    throw new RangeError('must be an http or https URL; write for example "http://127.0.0.1:18080"');
  }
  return url.href.replace(/\/+$/, "");
}
