import { parseDuration } from "../units.ts";

/** A model that is to stay loaded until somebody unloads it. */
export const FOREVER = Infinity;

/**
 * Reads how long a model is to stay loaded once it is idle, as Ollama's clients write it: `"10m"`, `300` or `"300"`
 * (seconds), `0` to unload it at once, anything negative for ever.
 *
 * @returns Milliseconds, ≥ 0; {@linkcode FOREVER} for ever.
 * @throws {RangeError} If it is neither a number nor a duration.
 * @see https://github.com/ollama/ollama/blob/main/docs/api.md, `keep_alive`
 */
export function parseKeepAlive(said: string | number): number {
  const text = String(said).trim();
  if (/^-\s*\d/.test(text)) {
    parseLength(text.slice(1).trim(), text);
    return FOREVER;
  }
  return parseLength(text, text);
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
