import type { GgufCursor } from "./cursor.ts";
import { GgufSyntaxError } from "./errors.ts";
import { type GgufArray, GgufMetadata, type GgufValue } from "./metadata.ts";
import { ARRAY_ID, type ScalarType, scalarTypeById, STRING_ID } from "./value_types.ts";

const MAX_KEY_BYTES = 65_535;
const MAX_STRING_BYTES = 16 * 1024 ** 2;
const MAX_ARRAY_COUNT = 64 * 1024 ** 2;
/** Longer arrays belong to the vocabulary; those that describe layers are far shorter. */
const MAX_KEPT_COUNT = 4096;
/** What a hostile file can make us keep altogether. Real ones have a template of 20 kB and some short arrays. */
const MAX_KEPT_BYTES = 32 * 1024 ** 2;
/** The shortest entry: a key of one letter with a value of one byte. */
const MIN_ENTRY_BYTES = 8 + 1 + 4 + 1;

/** Invalid UTF-8 becomes U+FFFD, as llama.cpp does not care either. */
const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Reads all key-value entries. Texts and short arrays are kept, of long arrays only where they lie.
 *
 * @throws {GgufSyntaxError} At the first entry that breaks a rule.
 */
export async function readMetadata(cursor: GgufCursor, entryCount: number): Promise<GgufMetadata> {
  cursor.demand(entryCount * MIN_ENTRY_BYTES);
  const values = new Map<string, GgufValue>();
  const seen = new Set<string>();
  const budget = { leftBytes: MAX_KEPT_BYTES };
  for (let index = 0; index < entryCount; index++) {
    const keyOffset = cursor.offset;
    const { text: key, identity } = await readName(cursor, "metadata key", MAX_KEY_BYTES);
    if (seen.has(identity)) throw new GgufSyntaxError(`its metadata key "${key}" appears twice`, keyOffset);
    seen.add(identity);
    spend(budget, key.length * 2, keyOffset);
    values.set(key, await readValue(cursor, key, budget));
  }
  return new GgufMetadata(values);
}

/** A name that must be unique in its file. */
export interface Name {
  /** For people and look-ups. */
  readonly text: string;
  /** Equal only for equal bytes; `text` may be equal where two names are both damaged. */
  readonly identity: string;
}

/**
 * Reads the key of an entry or the name of a tensor.
 *
 * @throws {GgufSyntaxError} If it is empty or longer than `maxBytes`.
 */
export async function readName(cursor: GgufCursor, what: string, maxBytes: number): Promise<Name> {
  const offset = cursor.offset;
  const bytes = await readStringBytes(cursor, `the length of a ${what}`, maxBytes);
  if (bytes.byteLength === 0) throw new GgufSyntaxError(`a ${what} is empty`, offset);
  const text = UTF8.decode(bytes);
  return { text, identity: text.includes("\uFFFD") ? `\uFFFD${bytes.toHex()}` : text };
}

async function readStringBytes(cursor: GgufCursor, what: string, maxBytes: number): Promise<Uint8Array> {
  if (!cursor.has(8)) await cursor.fill(8);
  const lengthBytes = cursor.takeU64(what, maxBytes);
  if (!cursor.has(lengthBytes)) await cursor.fill(lengthBytes);
  return cursor.takeBytes(lengthBytes);
}

/** What may still be kept in memory of the file at hand. */
interface Budget {
  leftBytes: number;
}

async function readValue(cursor: GgufCursor, key: string, budget: Budget): Promise<GgufValue> {
  const offset = cursor.offset;
  if (!cursor.has(4)) await cursor.fill(4);
  const typeId = cursor.takeU32();
  if (typeId === STRING_ID) {
    const value = UTF8.decode(await readStringBytes(cursor, `the length of "${key}"`, MAX_STRING_BYTES));
    spend(budget, value.length * 2, offset);
    return { type: "string", offset, value };
  }
  if (typeId === ARRAY_ID) return { type: "array", offset, value: await readArray(cursor, key, budget) };
  const type = scalarTypeById(typeId) ??
    refuseType(`its metadata key "${key}" has value type ${typeId}`, offset);
  if (!cursor.has(type.sizeBytes)) await cursor.fill(type.sizeBytes);
  return { type: type.name, offset, value: cursor.takeScalar(type) };
}

async function readArray(cursor: GgufCursor, key: string, budget: Budget): Promise<GgufArray> {
  const offset = cursor.offset;
  if (!cursor.has(12)) await cursor.fill(12);
  const typeId = cursor.takeU32();
  const count = cursor.takeU64(`the element count of "${key}"`, MAX_ARRAY_COUNT);
  const startOffset = cursor.offset;
  const array = (of: GgufArray["of"], numbers?: number[]): GgufArray => {
    return { of, count, startOffset, endOffset: cursor.offset, numbers };
  };
  if (typeId === STRING_ID) {
    await skipStrings(cursor, key, count);
    return array("string");
  }
  if (typeId === ARRAY_ID) refuseType(`its metadata key "${key}" is an array of arrays`, offset);
  const type = scalarTypeById(typeId) ??
    refuseType(`the elements of "${key}" have value type ${typeId}`, offset);
  if (count > MAX_KEPT_COUNT) {
    cursor.skip(count * type.sizeBytes);
    return array(type.name);
  }
  spend(budget, count * 8, offset);
  return array(type.name, await readNumbers(cursor, type, count));
}

/** The vocabulary and its merges are 400 000 strings in a common model: no allocation and no wait in this loop. */
async function skipStrings(cursor: GgufCursor, key: string, count: number): Promise<void> {
  cursor.demand(count * 8);
  const what = `the length of a string in "${key}"`;
  for (let index = 0; index < count; index++) {
    if (!cursor.has(8)) await cursor.fill(8);
    cursor.skip(cursor.takeU64(what, MAX_STRING_BYTES));
  }
}

async function readNumbers(cursor: GgufCursor, type: ScalarType, count: number): Promise<number[]> {
  if (!cursor.has(count * type.sizeBytes)) await cursor.fill(count * type.sizeBytes);
  return Array.from({ length: count }, () => Number(cursor.takeScalar(type)));
}

function spend(budget: Budget, byteCount: number, offset: number): void {
  budget.leftBytes -= byteCount;
  if (budget.leftBytes < 0) {
    throw new GgufSyntaxError(`its texts and short arrays take more than ${MAX_KEPT_BYTES} bytes`, offset);
  }
}

function refuseType(problem: string, offset: number): never {
  throw new GgufSyntaxError(`${problem}, which cannot be read`, offset, {
    advice: "use a newer sollol if the file is newer, or download it again",
  });
}
