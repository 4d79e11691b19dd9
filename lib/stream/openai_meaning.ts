import { endsWith, startsWith } from "./bytes.ts";
import { dataAt } from "./data_line.ts";
import type { EventMeaning } from "./event_meaning.ts";

const encoder = new TextEncoder();
const DONE = encoder.encode("[DONE]");
const ERROR = encoder.encode('{"error"');
const COLON = 58;
const QUOTE = 34;
/** Keys of a text that a model generated. */
const TEXT_KEYS = ['"content"', '"reasoning_content"', '"reasoning"', '"text"'].map((key) =>
  encoder.encode(key)
);
const TOOL_CALLS_KEY = encoder.encode('"tool_calls"');
const TOOL_CALLS = encoder.encode("[{");

/** What an event of `/v1/chat/completions` or `/v1/completions` means. @param event Has a `data:` line. */
export function openaiMeaning(event: Uint8Array): EventMeaning {
  const at = dataAt(event);
  if (startsWith(event, at, DONE)) return "done";
  if (startsWith(event, at, ERROR)) return "error";
  return isTokenChunk(event) ? "token" : "other";
}

/**
 * Whether a chunk of a chat or a completion carries a token, without parsing it. A quote inside JSON text stands behind a backslash, so what
 * a model writes is never taken for a key.
 */
function isTokenChunk(event: Uint8Array): boolean {
  for (let at = event.indexOf(COLON); at >= 0; at = event.indexOf(COLON, at + 1)) {
    if (event[at - 1] !== QUOTE) continue;
    const valueAt = event[at + 1] === 32 ? at + 2 : at + 1;
    if (endsWith(event, at, TOOL_CALLS_KEY) && startsWith(event, valueAt, TOOL_CALLS)) return true;
    const isText = event[valueAt] === QUOTE && event[valueAt + 1] !== QUOTE;
    if (isText && TEXT_KEYS.some((key) => endsWith(event, at, key))) return true;
  }
  return false;
}
