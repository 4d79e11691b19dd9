import { indexOfBytes, startsWith } from "./bytes.ts";
import { dataAt } from "./data_line.ts";
import type { EventMeaning } from "./event_meaning.ts";

const encoder = new TextEncoder();
const ERROR = encoder.encode('{"error"');
const STOP = encoder.encode('"stop":true');
const PIECE = encoder.encode('"stop":false');

/** What an event of llama-server's own `/completion` means. @param event Has a `data:` line. */
export function completionMeaning(event: Uint8Array): EventMeaning {
  const at = dataAt(event);
  if (startsWith(event, at, ERROR)) return "error";
  if (indexOfBytes(event, PIECE, at) >= 0) return "token"; // inside JSON text each quote stands behind a backslash
  return indexOfBytes(event, STOP, at) >= 0 ? "done" : "other";
}
