import { joinBytes } from "../join_bytes.ts";
import { indexOfBytes } from "../stream/bytes.ts";
import { valuesOf, withValue } from "./json_bytes.ts";

const LF = 10;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const encoder = new TextEncoder();
/** Inside JSON text each quote stands behind a backslash: so it is always a key. */
const KEY = encoder.encode('"model":');

/**
 * Names the model in an answer as its client did, whatever the upstream calls it. In events it is the first `model` of each:
 * nothing that stands before it there can hold another one.
 */
export class ModelEcho {
  readonly #name: Uint8Array;

  /** Knows the name. @param name As the client wrote it. */
  constructor(name: string) {
    this.#name = encoder.encode(JSON.stringify(name));
  }

  /** Whole events or lines with the client's name in each; the same array where there is nothing to change. */
  inEvents(events: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const parts: Uint8Array[] = [];
    let from = 0;
    for (let lineAt = 0; lineAt < events.byteLength;) {
      const lineFeed = events.indexOf(LF, lineAt);
      const lineEnd = lineFeed < 0 ? events.byteLength : lineFeed;
      const place = placeIn(events, lineAt, lineEnd);
      if (place && !this.#isAt(events, place)) {
        parts.push(events.subarray(from, place.start), this.#name);
        from = place.end;
      }
      lineAt = lineEnd + 1;
    }
    return parts.length === 0 ? events : joinBytes([...parts, events.subarray(from)]);
  }

  /** A whole answer, a JSON object, with the client's name; the same array where there is nothing to change. */
  inAnswer(body: Uint8Array): Uint8Array {
    const at = indexOfBytes(body, KEY);
    if (at < 0) return body;
    const places = valuesOf(body, "model");
    const isOther = places.some((place) => body[place.start] === QUOTE && !this.#isAt(body, place));
    return isOther ? withValue(body, { key: "model", places, value: this.#name }) : body;
  }

  #isAt(bytes: Uint8Array, { start, end }: { start: number; end: number }): boolean {
    return end - start === this.#name.byteLength &&
      this.#name.every((byte, index) => bytes[start + index] === byte);
  }
}

/** Where the text behind the first key of a line stands, with its quotes. */
function placeIn(bytes: Uint8Array, from: number, to: number): { start: number; end: number } | undefined {
  const at = indexOfBytes(bytes.subarray(from, to), KEY);
  if (at < 0) return undefined;
  let start = from + at + KEY.byteLength;
  if (bytes[start] === 0x20) start++;
  if (bytes[start] !== QUOTE) return undefined;
  for (let end = start + 1; end < to; end++) {
    if (bytes[end] === BACKSLASH) end++;
    else if (bytes[end] === QUOTE) return { start, end: end + 1 };
  }
  return undefined;
}
