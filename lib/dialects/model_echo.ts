import { joinBytes } from "../join_bytes.ts";
import { indexOfBytes, startsWith } from "../stream/bytes.ts";
import { valuesOf, withValue } from "./json_bytes.ts";

const LF = 10;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const OPEN_BRACE = 0x7b;
const encoder = new TextEncoder();
/** Inside JSON text each quote stands behind a backslash: so it is always a key. */
const KEY = encoder.encode('"model":');

/**
 * Names the model in an answer as its client did, whatever the upstream calls it. In events it is the first `model` of each:
 * nothing that stands before it there can hold another one.
 */
export class ModelEcho {
  readonly #name: Uint8Array;
  /** How far before the end of an event's line the name stood last: nothing behind it changes from one to the next. */
  #fromEnd = 0;

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
      const place = lineEnd - lineAt > KEY.byteLength ? this.#placeIn(events, lineAt, lineEnd) : undefined;
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

  #placeIn(events: Uint8Array, lineAt: number, lineEnd: number): Place | undefined {
    if (events[lineAt] === OPEN_BRACE) return placeIn(events, lineAt, lineEnd); // of a line it is the first member
    const usual = lineEnd - this.#fromEnd;
    const keyAt = usual - KEY.byteLength;
    const isUsual = this.#fromEnd > 0 && keyAt > lineAt && startsWith(events, keyAt, KEY);
    const place = isUsual ? textAt(events, usual, lineEnd) : placeIn(events, lineAt, lineEnd);
    if (place) this.#fromEnd = lineEnd - place.start;
    return place;
  }

  #isAt(bytes: Uint8Array, { start, end }: Place): boolean {
    return end - start === this.#name.byteLength && startsWith(bytes, start, this.#name);
  }
}

/** Where a text stands, with its quotes. */
interface Place {
  readonly start: number;
  readonly end: number;
}

/** The text behind the first key of a line. */
function placeIn(bytes: Uint8Array, from: number, to: number): Place | undefined {
  const at = indexOfBytes(bytes.subarray(from, to), KEY);
  if (at < 0) return undefined;
  const start = from + at + KEY.byteLength;
  return textAt(bytes, bytes[start] === SPACE ? start + 1 : start, to);
}

function textAt(bytes: Uint8Array, start: number, to: number): Place | undefined {
  if (bytes[start] !== QUOTE) return undefined;
  for (let end = start + 1; end < to; end++) {
    if (bytes[end] === BACKSLASH) end++;
    else if (bytes[end] === QUOTE) return { start, end: end + 1 };
  }
  return undefined;
}
