import { joinBytes } from "../join_bytes.ts";
import { itemsIn, type JsonMember, type JsonPlace, membersIn } from "./json_bytes.ts";

const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Other bytes for a part of some JSON; a part without length is a place where something comes in. */
export interface JsonEdit {
  /** Its first byte. */
  readonly start: number;
  /** Behind its last byte. */
  readonly end: number;
  /** JSON that comes there. */
  readonly value: string | Uint8Array;
}

/** An object among JSON, whose members were looked up once for all edits. */
export interface JsonObject {
  /** All bytes around it, too. */
  readonly json: Uint8Array;
  /** Where it begins, its brace or space before it. */
  readonly start: number;
  /** In their order; a key may come again, of which the last one counts. */
  readonly members: readonly JsonMember[];
}

/**
 * The object that begins at a place. Nothing is looked up before somebody asks: most requests need no edit at all.
 *
 * @param json Was parsed before, and has an object there.
 */
export function objectAt(json: Uint8Array, start = 0): JsonObject {
  let members: readonly JsonMember[] | undefined;
  return {
    json,
    start,
    get members() {
      return members ??= [...membersIn(json, start)];
    },
  };
}

/** The members of a key: several if it comes again. */
export function membersOf({ members }: JsonObject, key: string): readonly JsonMember[] {
  return members.filter((member) => member.key === key);
}

/** The objects of the lists that stand under a key. */
export function objectsIn(object: JsonObject, key: string): JsonObject[] {
  const { json } = object;
  return membersOf(object, key)
    .flatMap(({ value }) => placesIn(json, value.start))
    .filter(({ start }) => json[start] === OPEN_BRACE)
    .map(({ start }) => objectAt(json, start));
}

/** The objects that stand under a key themselves. */
export function childrenOf(object: JsonObject, key: string): JsonObject[] {
  const { json } = object;
  return membersOf(object, key)
    .filter(({ value }) => json[value.start] === OPEN_BRACE)
    .map(({ value }) => objectAt(json, value.start));
}

/** Where the items of a list stand; none if no list begins there. */
export function placesIn(json: Uint8Array, start: number): JsonPlace[] {
  return json[start] === OPEN_BRACKET ? [...itemsIn(json, start)] : [];
}

/** The JSON at a place. */
export function textOf(json: Uint8Array, { start, end }: JsonPlace): string {
  return decoder.decode(json.subarray(start, end));
}

/** What gives a member another value, wherever it stands; it is added where there is none. @param value JSON. */
export function setMember(object: JsonObject, key: string, value: string | Uint8Array): JsonEdit[] {
  const places = membersOf(object, key);
  if (places.length === 0) return [addMember(object, key, value)];
  return places.map(({ value: { start, end } }) => ({ start, end, value }));
}

/** The same JSON with all of these edits, none of which lies inside another; every other byte stays as it is. */
export function withEdits(
  json: Uint8Array<ArrayBuffer>,
  edits: readonly JsonEdit[],
): Uint8Array<ArrayBuffer> {
  if (edits.length === 0) return json;
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const { start, end, value } of edits.toSorted((a, b) => a.start - b.start)) {
    parts.push(json.subarray(from, start), typeof value === "string" ? encoder.encode(value) : value);
    from = end;
  }
  return joinBytes([...parts, json.subarray(from)]);
}

function addMember({ json, start, members }: JsonObject, key: string, value: string | Uint8Array): JsonEdit {
  const at = json.indexOf(OPEN_BRACE, start) + 1;
  const bytes = typeof value === "string" ? encoder.encode(value) : value;
  const isAlone = members.length === 0;
  return {
    start: at,
    end: at,
    value: joinBytes([encoder.encode(`${JSON.stringify(key)}:`), bytes, encoder.encode(isAlone ? "" : ",")]),
  };
}
