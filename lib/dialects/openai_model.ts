import { joinBytes } from "../join_bytes.ts";

const QUOTE = 34;
const BACKSLASH = 92;
const COLON = 58;
const OPENING: ReadonlySet<number> = new Set([0x7b, 0x5b]);
const CLOSING: ReadonlySet<number> = new Set([0x7d, 0x5d]);
const SPACE: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);
const OPEN_BRACE = 0x7b;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * The same request for another model: its `model` is replaced, or added where it says none; every other byte stays as it
 * is, since numbers would not survive a parse unharmed.
 *
 * @param body A JSON object; it was parsed before.
 */
export function withModel(body: Uint8Array, model: string): Uint8Array<ArrayBuffer> {
  const value = encoder.encode(JSON.stringify(model));
  const places = modelValues(body);
  if (places.length === 0) return withModelAdded(body, value);
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const { start, end } of places) { // all of them: of a key that stands twice the last one counts
    parts.push(body.subarray(from, start), value);
    from = end;
  }
  return joinBytes([...parts, body.subarray(from)]);
}

function withModelAdded(body: Uint8Array, value: Uint8Array): Uint8Array<ArrayBuffer> {
  const at = body.indexOf(OPEN_BRACE) + 1;
  const isEmpty = CLOSING.has(body[skipSpace(body, at)]!);
  const separator = encoder.encode(isEmpty ? "" : ",");
  return joinBytes([body.subarray(0, at), encoder.encode('"model":'), value, separator, body.subarray(at)]);
}

interface Place {
  readonly start: number;
  readonly end: number;
}

/** Where the values of the outermost `model` keys stand. */
function modelValues(body: Uint8Array): Place[] {
  const places: Place[] = [];
  let depth = 0;
  for (let at = 0; at < body.byteLength;) {
    const byte = body[at]!;
    if (byte !== QUOTE) {
      if (OPENING.has(byte)) depth++;
      else if (CLOSING.has(byte)) depth--;
      at++;
      continue;
    }
    const end = endOfText(body, at);
    const colonAt = skipSpace(body, end);
    const isModelKey = depth === 1 && body[colonAt] === COLON && textAt(body, at, end) === "model";
    at = end;
    if (!isModelKey) continue;
    const start = skipSpace(body, colonAt + 1);
    at = endOfScalar(body, start);
    places.push({ start, end: at });
  }
  return places;
}

function textAt(body: Uint8Array, start: number, end: number): unknown {
  const isLong = end - start > '"\\u006d\\u006f\\u0064\\u0065\\u006c"'.length;
  return isLong ? undefined : JSON.parse(decoder.decode(body.subarray(start, end)));
}

/** Behind the closing quote of the text that begins at `start`. */
function endOfText(body: Uint8Array, start: number): number {
  for (let at = start + 1; at < body.byteLength; at++) {
    if (body[at] === BACKSLASH) at++;
    else if (body[at] === QUOTE) return at + 1;
  }
  return body.byteLength;
}

/** A text, or `null`: nothing else was let through. */
function endOfScalar(body: Uint8Array, start: number): number {
  return body[start] === QUOTE ? endOfText(body, start) : start + "null".length;
}

function skipSpace(body: Uint8Array, from: number): number {
  let at = from;
  while (SPACE.has(body[at]!)) at++;
  return at;
}
