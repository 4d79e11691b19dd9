import { alignUp, DEFAULT_ALIGNMENT } from "./alignment.ts";
import { type CursorOptions, GgufCursor } from "./cursor.ts";
import { GgufSyntaxError, GgufTruncatedError } from "./errors.ts";
import { checkMagic, MAGIC, MAGIC_HEAD_BYTES } from "./magic.ts";
import type { GgufMetadata } from "./metadata.ts";
import { readMetadata } from "./metadata_reader.ts";
import type { ByteSource } from "./source.ts";
import { type GgufTensor, readTensors } from "./tensors.ts";

const PREAMBLE_BYTES = 24;
const MAX_ENTRY_COUNT = 65_536;
const MAX_TENSOR_COUNT = 1_048_576;
const MAX_ALIGNMENT = 1024 ** 2;

/** All that a GGUF says before its tensor data. */
export interface GgufHeader {
  /** 2 or 3; they differ in nothing that we read. */
  readonly version: number;
  /** The key-value part. */
  readonly metadata: GgufMetadata;
  /** The tensors in the order of the file. */
  readonly tensors: readonly GgufTensor[];
  /** The data of every tensor start at a multiple of so many bytes. */
  readonly alignment: number;
  /** Where the data section starts, in bytes from the start of the file. */
  readonly dataOffset: number;
  /** Sentences about what llama.cpp may refuse although it can be read. */
  readonly warnings: readonly string[];
}

/**
 * Reads the header of a GGUF of version 2 or 3 in windows of bounded size, and checks that all data are there.
 * The data themselves are never read.
 *
 * @throws {GgufTruncatedError} If the file ends within its header or its data.
 * @throws {GgufSyntaxError} If it is something else, damaged, or beyond what a header may sensibly hold.
 * @see docs/gguf.md and src/gguf.cpp in github.com/ggml-org/ggml
 */
export async function readGgufHeader(source: ByteSource, options: CursorOptions = {}): Promise<GgufHeader> {
  const cursor = new GgufCursor(source, options);
  const { version, tensorCount, entryCount } = await readPreamble(cursor);
  const metadata = await readMetadata(cursor, entryCount);
  const alignment = alignmentOf(metadata);
  const tensors = await readTensors(cursor, tensorCount, metadata.string("general.architecture"));
  const dataOffset = tensors.length > 0 ? alignUp(cursor.offset, alignment) : cursor.offset;
  checkDataEnd(tensors, dataOffset, source.sizeBytes);
  const warnings = [...layoutWarnings(tensors, alignment), ...typeWarnings(tensors)];
  return { version, metadata, tensors, alignment, dataOffset, warnings };
}

interface Preamble {
  version: number;
  tensorCount: number;
  entryCount: number;
}

async function readPreamble(cursor: GgufCursor): Promise<Preamble> {
  await cursor.fill(Math.min(cursor.sizeBytes, MAGIC_HEAD_BYTES));
  checkMagic(cursor.peekBytes(MAGIC_HEAD_BYTES));
  if (!cursor.has(PREAMBLE_BYTES)) throw new GgufTruncatedError(cursor.sizeBytes, PREAMBLE_BYTES);
  cursor.skip(MAGIC.length);
  const version = cursor.takeU32();
  checkVersion(version);
  const tensorCount = cursor.takeU64("its tensor count", MAX_TENSOR_COUNT);
  const entryCount = cursor.takeU64("its metadata count", MAX_ENTRY_COUNT);
  return { version, tensorCount, entryCount };
}

function checkVersion(version: number): void {
  if (version === 2 || version === 3) return;
  const refuse = (message: string, advice: string): never => {
    throw new GgufSyntaxError(message, 4, { advice });
  };
  // Big-endian files have the same magic; their small version number then shows in the upper half.
  if (version !== 0 && (version & 0xffff) === 0) {
    const swapped = (version >>> 24) | (version >>> 8 & 0xff00);
    refuse(
      `it is a big-endian GGUF (version ${swapped}), which little-endian machines cannot run`,
      "convert it with llama.cpp's gguf_convert_endian.py, or download the little-endian one",
    );
  }
  if (version < 2) {
    refuse(`it is GGUF version ${version}, which llama.cpp no longer reads`, "download it in version 2 or 3");
  }
  refuse(`it is GGUF version ${version}; 2 and 3 are known`, "use a newer sollol if the file is newer");
}

/** ggml takes nothing but a u32; the specification demands a multiple of 8. */
function alignmentOf(metadata: GgufMetadata): number {
  const key = "general.alignment";
  const alignment = metadata.number(key) ?? DEFAULT_ALIGNMENT;
  const isPowerOfTwo = Number.isInteger(Math.log2(alignment));
  const isU32 = (metadata.get(key)?.type ?? "uint32") === "uint32";
  if (isU32 && isPowerOfTwo && alignment >= 8 && alignment <= MAX_ALIGNMENT) return alignment;
  const wanted = `a uint32 power of two from 8 to ${MAX_ALIGNMENT}`;
  throw new GgufSyntaxError(`its alignment is ${alignment}, expected ${wanted}`, metadata.offsetOf(key));
}

/** The padding after the last tensor may be missing, as in files of some older converters. */
function checkDataEnd(tensors: readonly GgufTensor[], dataOffset: number, sizeBytes: number): void {
  let needBytes = dataOffset;
  for (const { offset, sizeBytes } of tensors) {
    needBytes = Math.max(needBytes, dataOffset + offset + sizeBytes);
  }
  if (tensors.length > 0 && needBytes > sizeBytes) throw new GgufTruncatedError(sizeBytes, needBytes);
}

function layoutWarnings(tensors: readonly GgufTensor[], alignment: number): string[] {
  let expectedOffset = 0;
  const misplaced = tensors.filter(({ offset, sizeBytes }) => {
    const isMisplaced = offset !== expectedOffset;
    expectedOffset = alignUp(offset + sizeBytes, alignment);
    return isMisplaced;
  });
  if (misplaced.length === 0) return [];
  const count = `${misplaced.length} of ${tensors.length} tensors`;
  return [
    `${count} do not lie where the one before ends (first: "${misplaced[0]!.name}"); llama.cpp refuses that`,
  ];
}

function typeWarnings(tensors: readonly GgufTensor[]): string[] {
  const isOllamaOnly = tensors.some(({ type }) => type.name === "MXFP4" && type.id === 4);
  return isOllamaOnly ? ["its MXFP4 tensors carry Ollama's private type id 4; only Ollama runs it"] : [];
}
