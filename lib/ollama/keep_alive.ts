import { parseDuration } from "../units.ts";

/** A model that is to stay loaded until somebody unloads it. */
export const FOREVER: number = Infinity;

/** The longest timer that the runtime keeps; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Reads how long a model is to stay loaded once it is idle, as Ollama's clients write it: `"10m"`, `300` or `"300"`
 * (seconds), `0` to unload it at once, anything negative for ever.
 *
 * @returns Milliseconds, from 0 to 2³¹ - 1; {@linkcode FOREVER} for ever, which more than these 24 days is, too.
 * @throws {RangeError} If it is neither a number nor a duration.
 * @see https://github.com/ollama/ollama/blob/main/docs/api.md, `keep_alive`
 */
export function parseKeepAlive(said: string | number): number {
  const text = String(said).trim();
  const isNegative = text.startsWith("-");
  const ms = parseLength(isNegative ? text.slice(1).trim() : text, text);
  return (isNegative && ms > 0) || ms > MAX_TIMER_MS ? FOREVER : ms;
}

function parseLength(text: string, said: string): number {
  try {
    return parseDuration(text);
  } catch {
    throw new RangeError(
      `"${said}" is no keep_alive; write for example "10m", 300, 0 (unload) or -1 (for ever)`,
    );
  }
}
