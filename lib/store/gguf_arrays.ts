import type { GgufArray, GgufMetadata } from "../gguf/metadata.ts";
import { type GgufNumber, scalarTypeByName } from "../gguf/value_types.ts";

/** What of a file is read, and how far. */
export interface ReadArraysOptions {
  /** Stops the reading. */
  readonly signal: AbortSignal;
  /** Bytes that all arrays together may take in the file; of those beyond none is read. */
  readonly maxBytes: number;
}

/**
 * Reads the elements of all arrays in a GGUF's metadata, be they as many as a vocabulary has. One whose bytes are not
 * as they were when the header was read is left out.
 *
 * @param path Of the file that the metadata were read from.
 * @throws What the disk says; the signal's reason.
 */
export async function readGgufArrays(
  path: string,
  metadata: Pick<GgufMetadata, "keys" | "get">,
  { signal, maxBytes }: ReadArraysOptions,
): Promise<Map<string, readonly (string | GgufNumber)[]>> {
  const arrays = new Map<string, readonly (string | GgufNumber)[]>();
  using file = await Deno.open(path);
  let leftBytes = maxBytes;
  for (const key of metadata.keys()) {
    const entry = metadata.get(key)!;
    if (entry.type !== "array") continue;
    leftBytes -= entry.value.endOffset - entry.value.startOffset;
    if (leftBytes < 0) break;
    const elements = decodeArray(await readRange(file, entry.value, signal), entry.value);
    if (elements) arrays.set(key, elements);
  }
  return arrays;
}

/** @returns Shorter than the range if the file has become so. */
async function readRange(
  file: Deno.FsFile,
  { startOffset, endOffset }: GgufArray,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(endOffset - startOffset);
  await file.seek(startOffset, Deno.SeekMode.Start);
  let filledBytes = 0;
  while (filledBytes < bytes.byteLength) {
    signal.throwIfAborted();
    const count = await file.read(bytes.subarray(filledBytes));
    if (count === null) break;
    filledBytes += count;
  }
  return bytes.subarray(0, filledBytes);
}

function decodeArray(
  bytes: Uint8Array<ArrayBuffer>,
  { of, count }: GgufArray,
): (string | GgufNumber)[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (of === "string") return decodeStrings(view, bytes, count);
  const type = scalarTypeByName(of);
  if (bytes.byteLength < count * type.sizeBytes) return undefined;
  return Array.from({ length: count }, (_, index) => type.read(view, index * type.sizeBytes));
}

/** Invalid UTF-8 becomes U+FFFD. */
const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });
/** Of the length before each string. */
const LENGTH_BYTES = 8;

function decodeStrings(view: DataView, bytes: Uint8Array, count: number): string[] | undefined {
  const strings: string[] = [];
  let at = 0;
  while (strings.length < count) {
    if (at + LENGTH_BYTES > bytes.byteLength) return undefined;
    const end = at + LENGTH_BYTES + Number(view.getBigUint64(at, true));
    if (end > bytes.byteLength) return undefined;
    strings.push(UTF8.decode(bytes.subarray(at + LENGTH_BYTES, end)));
    at = end;
  }
  return strings;
}
