import { basename, dirname, join, resolve } from "node:path";
import { GatewayError } from "../errors.ts";
import { type FileStamp, readEntry, readStart } from "./store_file.ts";

/** A GGUF model on disk: one file, or all shards of a split one. */
export interface GgufFile {
  /** Base name without `.gguf`, and without the shard's number. */
  readonly name: string;
  /** Absolute; of a split model the first shard, from whose name llama.cpp derives the others. */
  readonly modelPath: string;
  /** All shards together. */
  readonly sizeBytes: number;
  /** Of the shard that changed last, milliseconds since 1970. */
  readonly modifiedAtMs: number;
}

/** Takes `<prefix>-00002-of-00003.gguf` apart; undefined for any other file name. */
export function parseShardName(
  fileName: string,
): { prefix: string; index: number; count: number } | undefined {
  const match = /^(.+)-(\d{5})-of-(\d{5})\.gguf$/i.exec(fileName);
  if (!match) return undefined;
  const [, prefix, index, count] = match as unknown as [string, string, string, string];
  return Number(index) >= 1 && Number(index) <= Number(count)
    ? { prefix, index: Number(index), count: Number(count) }
    : undefined;
}

/**
 * Checks that each file of the model is there and begins like a GGUF file. Any shard's path will do.
 *
 * @throws {GatewayError} `model_not_found` if the path leads nowhere, `model_unusable` if a shard is missing or it is no GGUF.
 * @see `llama_split_path` in src/llama.cpp
 */
export async function openGguf(path: string): Promise<GgufFile> {
  const paths = shardPaths(resolve(path));
  let sizeBytes = 0;
  let modifiedAtMs = 0;
  for (const [index, shard] of paths.entries()) {
    const entry = await checkGguf(shard);
    if (!entry) throw missing(shard, index, paths.length);
    sizeBytes += entry.sizeBytes;
    modifiedAtMs = Math.max(modifiedAtMs, entry.modifiedAtMs);
  }
  return { name: ggufName(path), modelPath: paths[0]!, sizeBytes, modifiedAtMs };
}

/** The name of the model in such a file: no directory, no shard's number, no `.gguf`. */
export function ggufName(path: string): string {
  const fileName = basename(path);
  return parseShardName(fileName)?.prefix ?? fileName.replace(/\.gguf$/i, "");
}

/**
 * Reads the first four bytes: a check that costs little and finds most broken downloads.
 *
 * @returns The file's stamp; undefined if there is no such file.
 * @throws {GatewayError} `model_unusable` if the bytes are not `GGUF`.
 */
export async function checkGguf(path: string): Promise<FileStamp | undefined> {
  const entry = await readEntry(path);
  if (!entry) return undefined;
  if (entry.type !== "file") throw new GatewayError("model_unusable", `Cannot load "${path}": it is no file`);
  const magic = String.fromCharCode(...await readStart(path, 4));
  if (magic === "GGUF") return entry;
  const fault = LEGACY_MAGIC.has(magic)
    ? `it is a legacy GGML file (${JSON.stringify(magic)}), a format that llama.cpp dropped`
    : `it begins with ${JSON.stringify(magic)}, not with "GGUF"`;
  throw new GatewayError("model_unusable", `Cannot load "${path}": ${fault}; download or convert it again`);
}

/** ggml, ggmf, ggjt and ggla as they lie on disk: 32-bit numbers with the lowest byte first. */
const LEGACY_MAGIC = new Set(["lmgg", "fmgg", "tjgg", "algg", "ggml", "ggla"]);

function shardPaths(path: string): string[] {
  const shard = parseShardName(basename(path));
  if (!shard) return [path];
  const total = String(shard.count).padStart(5, "0");
  return Array.from({ length: shard.count }, (_, index) => {
    const number = String(index + 1).padStart(5, "0");
    return join(dirname(path), `${shard.prefix}-${number}-of-${total}.gguf`);
  });
}

function missing(path: string, index: number, count: number): GatewayError {
  if (count === 1) return new GatewayError("model_not_found", `Cannot load "${path}": no such file`);
  return new GatewayError(
    "model_unusable",
    `Cannot load shard ${index + 1} of ${count}: "${path}" is missing; put all shards into one directory`,
  );
}
