import type { FileFolder } from "./file_folder.ts";
import { type ByteLine, ByteLines } from "./byte_lines.ts";

const CHUNK_BYTES = 256 * 1024;

/**
 * The lines of a file, one after the other.
 *
 * @throws {GatewayError} As {@linkcode FileFolder.open} does. What the system says if it cannot be read. The signal's reason.
 */
export async function* readLines(
  folder: FileFolder,
  id: string,
  { maxLineBytes, signal }: { readonly maxLineBytes: number; readonly signal: AbortSignal },
): AsyncGenerator<ByteLine, void> {
  using file = folder.open(id);
  const lines = new ByteLines({ maxLineBytes });
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (let length = await file.read(chunk); length !== null; length = await file.read(chunk)) {
    signal.throwIfAborted();
    yield* lines.push(chunk.subarray(0, length));
  }
  yield* lines.end();
}

/**
 * A part of a file.
 *
 * @throws {RangeError} If the file is shorter. {GatewayError} as {@linkcode FileFolder.open} does.
 */
export async function readPart(
  folder: FileFolder,
  id: string,
  { startByte, byteCount }: { readonly startByte: number; readonly byteCount: number },
): Promise<Uint8Array> {
  using file = folder.open(id);
  await file.seek(startByte, Deno.SeekMode.Start);
  const part = new Uint8Array(byteCount);
  for (let at = 0; at < byteCount;) {
    const length = await file.read(part.subarray(at));
    if (length === null) throw new RangeError(`The file ends ${byteCount - at} bytes before its line does`);
    at += length;
  }
  return part;
}
