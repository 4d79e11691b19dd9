import { dirname, resolve } from "node:path";
import { GatewayError, messageOf } from "../errors.ts";

/** Where the results of a batch are put. */
export interface ResultPaths {
  /** The answers, one a line. */
  readonly output: string;
  /** What was not answered well, one a line. */
  readonly errors: string;
}

/**
 * Where the results go if nobody says: beside the input.
 *
 * @param base The path of the input, or a batch's id.
 */
export function resultPaths(base: string, output: string | undefined): ResultPaths {
  const stem = base.replace(/\.(jsonl|ndjson|json)$/i, "");
  return { output: output ?? `${stem}.out.jsonl`, errors: `${stem}.errors.jsonl` };
}

/**
 * Whether the requests, the answers and the errors are three files, however their paths are written: a file that is being
 * written has another name for a while, and that counts too.
 *
 * @param input The path of the requests, if they are in a file.
 */
export function areDistinct({ output, errors }: ResultPaths, input: string | undefined): boolean {
  const written = [output, errors].flatMap((path) => [path, unfinishedOf(path)]);
  const all = [...written, ...(input === undefined ? [] : [input])].map((path) => resolve(path));
  return new Set(all).size === all.length;
}

/**
 * Sees that the results can be put there.
 *
 * @throws {GatewayError} `conflict` if something is there that is to stay; `invalid_request` if their folder is none.
 */
export async function checkResultPaths(
  { output, errors }: ResultPaths,
  { force }: { readonly force: boolean },
): Promise<void> {
  for (const path of [output, errors]) {
    await checkFolder(path);
    if (!force) await checkFree(path);
  }
}

/**
 * Writes a file whole, or not at all.
 *
 * @throws {GatewayError} `conflict` if there is one and it is not to be overwritten; `invalid_request` if it cannot be
 *   written. What `content` throws.
 */
export async function writeWhole(
  path: string,
  content: AsyncIterable<Uint8Array>,
  { force }: { readonly force: boolean },
): Promise<void> {
  const unfinished = unfinishedOf(path);
  try {
    {
      using file = await onDisk(
        path,
        () => Deno.open(unfinished, { write: true, create: true, truncate: true }),
      );
      for await (const part of content) await onDisk(path, () => writeAll(file, part));
      await onDisk(path, () => file.sync());
    }
    if (!force) await checkFree(path);
    await onDisk(path, () => Deno.rename(unfinished, path));
  } catch (error) {
    await Deno.remove(unfinished).catch(() => {}); // it was not begun, or stays for the next attempt to overwrite
    throw error;
  }
}

/** Removes the results of an earlier batch where this one has none. @throws {GatewayError} `invalid_request` if it cannot. */
export async function removeStale(path: string): Promise<undefined> {
  if (await exists(path)) await onDisk(path, () => Deno.remove(path));
}

function unfinishedOf(path: string): string {
  return `${path}.part`;
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
}

async function checkFolder(path: string): Promise<void> {
  const folder = dirname(path);
  const { isDirectory } = await onDisk(path, () => Deno.stat(folder));
  if (!isDirectory) throw unwritable(path, `"${folder}" is no folder`);
}

async function checkFree(path: string): Promise<void> {
  if (!await exists(path)) return;
  throw new GatewayError("conflict", `"${path}" is there already; name another by --output, or give --force`);
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw unwritable(path, error);
  }
}

async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

function unwritable(path: string, cause: unknown): GatewayError {
  const message = `Cannot write "${path}": ${messageOf(cause)}; name another place by --output`;
  return new GatewayError("invalid_request", message, { cause });
}
