import { joinBytes } from "../join_bytes.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Where a value stands in JSON. */
export interface JsonPlace {
  /** Its first byte. */
  readonly start: number;
  /** Behind its last byte. */
  readonly end: number;
}

/** A member of an object. */
export interface JsonMember {
  /** Without its escapes. */
  readonly key: string;
  /** The key's opening quote. */
  readonly start: number;
  /** Where its value stands. */
  readonly value: JsonPlace;
}

/**
 * The members of an object, as they stand there: also those whose key comes again. Walking the bytes leaves numbers as
 * they are, which would not survive a parse unharmed.
 *
 * @param json Was parsed before, and is an object from `from` on; what stands before its brace does not count.
 */
export function* membersIn(json: Uint8Array, from = 0): Generator<JsonMember, void> {
  let at = skipSpace(json, json.indexOf(OPEN_BRACE, from) + 1);
  while (at < json.byteLength && json[at] !== CLOSE_BRACE) {
    const start = at;
    const keyEnd = endOfText(json, start);
    const value = placeAt(json, skipSpace(json, keyEnd) + 1);
    yield { key: textAt(json, { start, end: keyEnd }), start, value };
    at = nextPlace(json, value);
  }
}

/** The items of a list. @param json Was parsed before, and is a list from `from` on. */
export function* itemsIn(json: Uint8Array, from = 0): Generator<JsonPlace, void> {
  let at = skipSpace(json, json.indexOf(OPEN_BRACKET, from) + 1);
  while (at < json.byteLength && json[at] !== CLOSE_BRACKET) {
    const item = placeAt(json, at);
    yield item;
    at = nextPlace(json, item);
  }
}

/** Where the values of a member stand: several if its key comes again, of which the last one counts. */
export function valuesOf(json: Uint8Array, key: string): JsonPlace[] {
  return [...membersIn(json).filter((member) => member.key === key).map(({ value }) => value)];
}

/**
 * The same object with another value of one member, which is added where there is none; every other byte stays as it is.
 *
 * @param places What {@linkcode valuesOf} gave: all of them are replaced.
 * @param value JSON.
 */
export function withValue(
  json: Uint8Array,
  { key, places, value }: {
    readonly key: string;
    readonly places: readonly JsonPlace[];
    readonly value: Uint8Array;
  },
): Uint8Array<ArrayBuffer> {
  if (places.length === 0) return withMember(json, key, value);
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const { start, end } of places) {
    parts.push(json.subarray(from, start), value);
    from = end;
  }
  return joinBytes([...parts, json.subarray(from)]);
}

/** An object of some members of another one, each with its bytes. */
export function objectOf(json: Uint8Array, members: readonly JsonMember[]): Uint8Array<ArrayBuffer> {
  const parts = members.flatMap(({ start, value }, index) => [
    encoder.encode(index === 0 ? "{" : ","),
    json.subarray(start, value.end),
  ]);
  return joinBytes([...parts, encoder.encode(members.length === 0 ? "{}" : "}")]);
}

function withMember(json: Uint8Array, key: string, value: Uint8Array): Uint8Array<ArrayBuffer> {
  const at = json.indexOf(OPEN_BRACE) + 1;
  const isEmpty = json[skipSpace(json, at)] === CLOSE_BRACE;
  return joinBytes([
    json.subarray(0, at),
    encoder.encode(`${JSON.stringify(key)}:`),
    value,
    encoder.encode(isEmpty ? "" : ","),
    json.subarray(at),
  ]);
}

/** The value behind `from` and white space. */
function placeAt(json: Uint8Array, from: number): JsonPlace {
  const start = skipSpace(json, from);
  return { start, end: endOfValue(json, start) };
}

/** Where the next member or item begins, or the closing brace or bracket stands. */
function nextPlace(json: Uint8Array, { end }: JsonPlace): number {
  const at = skipSpace(json, end);
  return json[at] === COMMA ? skipSpace(json, at + 1) : at;
}

function endOfValue(json: Uint8Array, start: number): number {
  const first = json[start];
  if (first === QUOTE) return endOfText(json, start);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return endOfNested(json, start);
  let at = start;
  while (at < json.byteLength && !isSpace(json[at]) && !isEndOfScalar(json[at])) at++;
  return at;
}

function endOfNested(json: Uint8Array, start: number): number {
  let depth = 0;
  for (let at = start; at < json.byteLength; at++) {
    const byte = json[at];
    if (byte === QUOTE) at = endOfText(json, at) - 1;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
    else if ((byte === CLOSE_BRACE || byte === CLOSE_BRACKET) && --depth === 0) return at + 1;
  }
  return json.byteLength;
}

/** Behind the closing quote of the text that begins at `start`. */
function endOfText(json: Uint8Array, start: number): number {
  for (let at = json.indexOf(QUOTE, start + 1); at >= 0; at = json.indexOf(QUOTE, at + 1)) {
    let backslashes = 0;
    while (json[at - 1 - backslashes] === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return at + 1;
  }
  return json.byteLength;
}

/** Nearly all keys are plain: for these a decoder and a parser take longer than all the rest of the walk. */
function textAt(json: Uint8Array, { start, end }: JsonPlace): string {
  let text = "";
  for (let at = start + 1; at < end - 1; at++) {
    const byte = json[at]!;
    if (byte === BACKSLASH || byte >= 0x80) return JSON.parse(decoder.decode(json.subarray(start, end)));
    text += String.fromCharCode(byte);
  }
  return text;
}

function skipSpace(json: Uint8Array, from: number): number {
  let at = from;
  while (isSpace(json[at])) at++;
  return at;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}

function isEndOfScalar(byte: number | undefined): boolean {
  return byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET;
}
