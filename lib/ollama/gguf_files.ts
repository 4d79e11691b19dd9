import { basename, resolve } from "node:path";
import { GatewayError } from "../errors.ts";
import { GgufSyntaxError } from "../gguf/errors.ts";
import { checkMagic, MAGIC_HEAD_BYTES } from "../gguf/magic.ts";
import { formatShardName, parseShardName } from "../gguf/split.ts";
import { type FileStamp, readEntry, readStart } from "./store_file.ts";

/** The files of a GGUF model, none of them read further than its first bytes. */
export interface GgufFiles {
  /** Base name without `.gguf`, and without the shard's number. */
  readonly name: string;
  /** Absolute; of a split model the first shard, from whose name llama.cpp derives the others. */
  readonly modelPath: string;
  /** All shards together. */
  readonly sizeBytes: number;
  /** Of the shard that changed last, milliseconds since 1970. */
  readonly modifiedAtMs: number;
}

/**
 * Checks that each file of the model is there and begins like a GGUF file. Any shard's path will do.
 *
 * @throws {GatewayError} `model_not_found` if the path leads nowhere, `model_unusable` if a shard is missing or it is no GGUF.
 * @see `llama_split_path` in src/llama.cpp
 */
export async function checkGgufFiles(path: string): Promise<GgufFiles> {
  const paths = shardPaths(resolve(path));
  let sizeBytes = 0;
  let modifiedAtMs = 0;
  for (const [index, shard] of paths.entries()) {
    const stamp = await checkGgufFile(shard);
    if (!stamp) throw missing(shard, index, paths.length);
    sizeBytes += stamp.sizeBytes;
    modifiedAtMs = Math.max(modifiedAtMs, stamp.modifiedAtMs);
  }
  return { name: ggufName(path), modelPath: paths[0]!, sizeBytes, modifiedAtMs };
}

/** The name of the model in such a file: no directory, no shard's number, no `.gguf`. */
export function ggufName(path: string): string {
  const fileName = basename(path);
  return parseShardName(fileName)?.prefix ?? fileName.replace(/\.gguf$/i, "");
}

/**
 * Checks that one file begins like a GGUF file, whatever its name.
 *
 * @returns The file's stamp; undefined if there is no such file.
 * @throws {GatewayError} `model_unusable` if it is no file, or no GGUF.
 */
export async function checkGgufFile(path: string): Promise<FileStamp | undefined> {
  const entry = await readEntry(path);
  if (!entry) return undefined;
  if (entry.type !== "file") throw unusable(path, "it is no file");
  const head = await readStart(path, MAGIC_HEAD_BYTES);
  try {
    checkMagic(head);
    return entry;
  } catch (error) {
    if (!(error instanceof GgufSyntaxError)) throw error;
    throw unusable(path, `${error.message}; ${error.advice}`, error);
  }
}

function shardPaths(path: string): string[] {
  const shard = parseShardName(path);
  if (!shard) return [path];
  return Array.from({ length: shard.count }, (_, index) => formatShardName({ ...shard, index }));
}

function missing(path: string, index: number, count: number): GatewayError {
  if (count === 1) return new GatewayError("model_not_found", `Cannot load "${path}": no such file`);
  return new GatewayError(
    "model_unusable",
    `Cannot load shard ${index + 1} of ${count}: "${path}" is missing; put all shards into one directory`,
  );
}

function unusable(path: string, problem: string, cause?: Error): GatewayError {
  return new GatewayError("model_unusable", `Cannot load "${path}": ${problem}`, { cause });
}
