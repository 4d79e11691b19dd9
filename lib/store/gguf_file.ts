import { GatewayError, messageOf } from "../errors.ts";
import { GgufSyntaxError, GgufTruncatedError } from "../gguf/errors.ts";
import { type GgufHeader, readGgufHeader } from "../gguf/header.ts";
import { describeModel, type GgufModel } from "../gguf/model_info.ts";
import type { ByteSource } from "../gguf/source.ts";
import type { GgufTensor } from "../gguf/tensors.ts";
import { formatShardName, type GgufSplit, parseShardName, splitOf } from "../gguf/split.ts";
import type { GgufHeaderCache } from "./gguf_header_cache.ts";

/** A GGUF on disk, with all its shards. */
export interface GgufFile {
  /** What llama.cpp is to be given: the file, or the first shard. */
  readonly path: string;
  /** Length of all shards together. */
  readonly sizeBytes: number;
  /** Header of the file or of the first shard. */
  readonly header: GgufHeader;
  /** What it holds, weights of all shards included. */
  readonly model: GgufModel;
  /** Of all shards. */
  readonly tensors: readonly GgufTensor[];
  /** All files in order; the first is `path`. */
  readonly shardPaths: readonly string[];
}

/** How to open a GGUF. */
export interface OpenGgufOptions {
  /** Stops the reading. */
  signal?: AbortSignal;
  /** Spares reading files that have not changed. */
  cache?: GgufHeaderCache;
}

/**
 * Reads the header of a GGUF, and those of its siblings if it is any shard of a split one. Tensors are not read.
 *
 * @throws {GatewayError} `model_not_found` if there is no such file; `model_unusable` if it or a shard is missing,
 * unreadable, truncated, damaged or no GGUF. The `cause` is the first error.
 * @throws The reason of the signal.
 */
export async function openGguf(path: string, options: OpenGgufOptions = {}): Promise<GgufFile> {
  const opened = await readShard(path, options);
  const split = explained(path, () => splitOf(opened.header.metadata));
  const shards = split ? await readAllShards(opened, split, options) : [opened];
  const tensors = shards.flatMap(({ header }) => header.tensors);
  if (split && tensors.length !== split.tensorCount) {
    const numbers = `its ${split.count} shards hold ${tensors.length} tensors, expected ${split.tensorCount}`;
    throw unusable(path, `${numbers}; download all shards from one place`);
  }
  const [{ path: firstPath, header }] = shards as [Shard];
  return {
    path: firstPath,
    sizeBytes: shards.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    header,
    model: explained(firstPath, () => describeModel(header, tensors)),
    tensors,
    shardPaths: shards.map(({ path }) => path),
  };
}

interface Shard {
  readonly path: string;
  readonly sizeBytes: number;
  readonly header: GgufHeader;
}

async function readAllShards(opened: Shard, split: GgufSplit, options: OpenGgufOptions): Promise<Shard[]> {
  const { count } = split;
  const name = parseShardName(opened.path);
  if (name?.index !== split.index || name.count !== count) {
    const wanted = formatShardName({ prefix: "<name>", index: split.index, count });
    const problem = `it is shard ${split.index + 1} of ${count}, but not named "${wanted}"`;
    throw unusable(opened.path, `${problem}; give all shards such names`);
  }
  const shards: Shard[] = [];
  for (let index = 0; index < count; index++) {
    const path = formatShardName({ prefix: name.prefix, index, count });
    shards.push(index === split.index ? opened : await readSibling(path, { ...split, index }, options));
  }
  return shards;
}

async function readSibling(path: string, wanted: GgufSplit, options: OpenGgufOptions): Promise<Shard> {
  const shard = await readShard(path, options).catch((error) => {
    if (!(error instanceof GatewayError) || error.code !== "model_not_found") throw error;
    const problem = `it is shard ${wanted.index + 1} of ${wanted.count} and missing`;
    throw unusable(path, `${problem}; download it into the folder of the others`, error.cause);
  });
  const found = explained(path, () => splitOf(shard.header.metadata));
  const isWanted = found?.index === wanted.index && found.count === wanted.count &&
    found.tensorCount === wanted.tensorCount;
  if (isWanted) return shard;
  const says = found
    ? `shard ${found.index + 1} of ${found.count} with ${found.tensorCount} tensors`
    : "no shard";
  const expected = `shard ${wanted.index + 1} of ${wanted.count} with ${wanted.tensorCount} tensors`;
  throw unusable(path, `it is ${says}, expected ${expected}; download all shards from one place`);
}

async function readShard(path: string, { signal, cache }: OpenGgufOptions): Promise<Shard> {
  try {
    const info = await Deno.stat(path);
    // Asked before the file is opened: to open a pipe would wait for its writer.
    if (!info.isFile) {
      throw unusable(path, `it is a ${info.isDirectory ? "directory" : "device"}; name a file`);
    }
    const header = cache?.get(info) ?? await readHeader(path, info.size, signal);
    cache?.set(info, header);
    return { path, sizeBytes: info.size, header };
  } catch (error) {
    signal?.throwIfAborted();
    throw explain(path, error);
  }
}

async function readHeader(path: string, sizeBytes: number, signal?: AbortSignal): Promise<GgufHeader> {
  using file = await Deno.open(path);
  return await readGgufHeader(fileSource(file, sizeBytes), { signal });
}

function fileSource(file: Deno.FsFile, sizeBytes: number): ByteSource {
  return {
    sizeBytes,
    async read(offset, into): Promise<number> {
      await file.seek(offset, Deno.SeekMode.Start);
      return await file.read(into) ?? 0;
    },
  };
}

function explained<T>(path: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw explain(path, error);
  }
}

/** Turns what a decoder or the disk says into our own error; what we have explained already, or a bug, stays. */
function explain(path: string, error: unknown): unknown {
  if (error instanceof GgufSyntaxError) {
    const isInside = error.offset > 0 && !(error instanceof GgufTruncatedError);
    const where = isInside ? ` (at byte ${error.offset})` : "";
    return unusable(path, `${error.message}${where}; ${error.advice}`, error);
  }
  if (error instanceof Deno.errors.NotFound) {
    const message = `Cannot find "${path}": there is no such file; pull the model or correct the path`;
    return new GatewayError("model_not_found", message, { cause: error });
  }
  if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable) {
    return unusable(path, "permission denied; let the user that runs sollol read it", error);
  }
  if (error instanceof Error && "code" in error && !(error instanceof GatewayError)) {
    return unusable(path, `it cannot be read: ${messageOf(error)}; check the disk`, error);
  }
  return error;
}

function unusable(path: string, problem: string, cause?: unknown): GatewayError {
  return new GatewayError("model_unusable", `Cannot use "${path}": ${problem}`, cause ? { cause } : {});
}
