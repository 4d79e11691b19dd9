import { messageOf } from "../errors.ts";
import { formatAddress, parseUpstreamUrl } from "../http/address.ts";
import { REFUSED_ADDRESS_ADVICE, refusedAddress } from "../net/refused_address.ts";
import { MIB, parseBytes, parseDuration } from "../units.ts";
import { maskUrl } from "./secrets.ts";

/** The longest timer that the runtime keeps; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Reads a duration that will become a timer.
 *
 * @returns Whole milliseconds, `minMs` to 2³¹ - 1.
 * @throws {RangeError} If the text is no duration, or out of that range.
 */
export function parseTimer(text: string, { minMs = 1 }: { minMs?: number } = {}): number {
  const ms = Math.round(parseDuration(text));
  if (ms >= minMs && ms <= MAX_TIMER_MS) return ms;
  throw new RangeError(`must be between ${minMs}ms and 24d, got "${text}"`);
}

/**
 * Reads a size that must be large enough to work with.
 *
 * @throws {RangeError} If the text is no size, or less than `minBytes`.
 */
export function parseSize(text: string, { minBytes }: { minBytes: number }): number {
  const bytes = parseBytes(text);
  if (bytes >= minBytes) return bytes;
  const isBare = /^[\d.\s]+$/.test(text) && bytes > 0;
  const hint = isBare ? `, which is bytes; write for example "${text.trim()}GiB"` : "";
  throw new RangeError(`must be at least ${leastSize(minBytes)}, got "${text}"${hint}`);
}

function leastSize(bytes: number): string {
  if (bytes >= MIB) return `${bytes / MIB} MiB`;
  return bytes === 1 ? "1 byte" : `${bytes} bytes`;
}

/**
 * Reads the base URL of an upstream.
 *
 * @returns One text for all spellings of it: its port always said, no closing slash.
 * @throws {RangeError} If it is no `http:`, `https:` or `unix:` URL, is link-local or a cloud's metadata service, or has
 *   credentials, a query or a fragment. The sentence shows no password.
 */
export function parseBaseUrl(text: string): string {
  try {
    const { address, basePath } = parseUpstreamUrl(text);
    const refused = address.transport === "tcp" ? refusedAddress(address.hostname) : undefined;
    if (refused !== undefined) throw new RangeError(`"${text}" is ${refused}; ${REFUSED_ADDRESS_ADVICE}`);
    return formatAddress(address) + basePath;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(messageOf(error).replaceAll(text, () => maskUrl(text)));
  }
}
