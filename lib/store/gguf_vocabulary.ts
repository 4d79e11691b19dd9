import type { GgufArray, GgufMetadata } from "../gguf/metadata.ts";
import { Vocabulary } from "../gguf/vocabulary.ts";
import { MIB } from "../units.ts";
import { openGguf, type OpenGgufOptions } from "./gguf_file.ts";

/** Far more than any vocabulary has: 262,144 tokens take 5 MB. */
const MAX_PART_BYTES = 64 * MIB;

/**
 * Reads the vocabulary of a GGUF. Takes some 10 ms for 150,000 tokens; nothing is kept.
 *
 * @returns `undefined` if its tokens are not told by their text.
 * @throws {GatewayError} As {@linkcode openGguf} does.
 * @throws {GgufSyntaxError} If the vocabulary is damaged.
 * @throws The reason of the signal.
 */
export async function readVocabulary(
  path: string,
  options: OpenGgufOptions = {},
): Promise<Vocabulary | undefined> {
  const { path: firstPath, header: { metadata } } = await openGguf(path, options);
  const tokenizer = metadata.string("tokenizer.ggml.model");
  const tokens = arrayOf(metadata, "tokenizer.ggml.tokens");
  const types = arrayOf(metadata, "tokenizer.ggml.token_type");
  if (tokenizer === undefined || tokens?.of !== "string" || types?.of !== "int32") return undefined;
  if (Math.max(bytesOf(tokens), bytesOf(types)) > MAX_PART_BYTES) return undefined;
  using file = await Deno.open(firstPath);
  return Vocabulary.from({
    tokenizer,
    tokens: await readPart(file, tokens, options.signal),
    types: await readPart(file, types, options.signal),
  });
}

function arrayOf(metadata: GgufMetadata, key: string): GgufArray | undefined {
  const entry = metadata.get(key);
  return entry?.type === "array" ? entry.value : undefined;
}

function bytesOf({ startOffset, endOffset }: GgufArray): number {
  return endOffset - startOffset;
}

async function readPart(file: Deno.FsFile, part: GgufArray, signal?: AbortSignal): Promise<Uint8Array> {
  const bytes = new Uint8Array(bytesOf(part));
  await file.seek(part.startOffset, Deno.SeekMode.Start);
  for (let filled = 0; filled < bytes.byteLength;) {
    signal?.throwIfAborted();
    const count = await file.read(bytes.subarray(filled));
    if (count === null) return bytes.subarray(0, filled); // cut meanwhile: its decoder will say so
    filled += count;
  }
  return bytes;
}
