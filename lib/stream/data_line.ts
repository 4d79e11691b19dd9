import { startsWith } from "./bytes.ts";

const LF = 10;
const SPACE = 32;
const DATA = new TextEncoder().encode("data:");

/** Where the value of the first `data:` line of an event begins; the caller knows that there is one. */
export function dataAt(event: Uint8Array): number {
  for (let at = 0;; at = event.indexOf(LF, at) + 1) {
    if (!startsWith(event, at, DATA)) continue;
    const valueAt = at + DATA.byteLength;
    return event[valueAt] === SPACE ? valueAt + 1 : valueAt;
  }
}
