import { join } from "node:path";
import type { Environment } from "../config/environment.ts";
import { messageOf } from "../errors.ts";
import { formatBytes } from "../units.ts";
import { parseKeyLines } from "./key_text.ts";

/** More than any list of keys. */
const MAX_FILE_BYTES = 64 * 1024;
/** Bits of a file's mode that let its group or others do anything with it. */
const OTHERS_BITS = 0o077;

/** Keys that this process cannot get at; one that runs as another user, or is started by systemd, may. */
export class UnreadableKeyError extends RangeError {
  /** Tells it from other errors. */
  override readonly name = "UnreadableKeyError";
}

/**
 * Reads the keys in a file that its owner alone may read. It may be a link.
 *
 * @throws {RangeError} Why it cannot be used and what to do, to follow a name of the key. Never shows what is in it.
 * @throws {UnreadableKeyError} The same, where another user might use it.
 */
export async function readKeyFile(path: string): Promise<readonly string[]> {
  return await readKeys(path, requirePrivate);
}

/**
 * Reads the keys in a systemd credential, whose mode is systemd's business.
 *
 * @throws {RangeError} As {@linkcode readKeyFile} does.
 */
export async function readKeyCredential(name: string, env: Environment): Promise<readonly string[]> {
  const directory = env["CREDENTIALS_DIRECTORY"];
  if (directory) return await readKeys(join(directory, name), () => {});
  throw new UnreadableKeyError(
    `cannot read the credential "${name}": $CREDENTIALS_DIRECTORY is not set; have systemd start it, with ` +
      `LoadCredential=${name}:FILE in its unit, or name a file instead`,
  );
}

async function readKeys(path: string, check: FileCheck): Promise<readonly string[]> {
  const text = await readTextOf(path, check);
  try {
    return parseKeyLines(text);
  } catch (cause) {
    throw new RangeError(`cannot be used: ${path} ${messageOf(cause)}`, { cause });
  }
}

/** Says what is wrong with a file, if it is. @throws {RangeError} The whole sentence. */
type FileCheck = (path: string, info: Deno.FileInfo) => void;

async function readTextOf(path: string, check: FileCheck): Promise<string> {
  try {
    requireFile(path, await Deno.stat(path)); // first: to open a pipe would wait for its writer
    using file = await Deno.open(path);
    const info = await file.stat();
    requireFile(path, info);
    check(path, info);
    return await readText(path, file);
  } catch (cause) {
    throw cause instanceof RangeError ? cause : unread(path, cause);
  }
}

function unread(path: string, cause: unknown): RangeError {
  if (cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory) {
    const message =
      `cannot be read: there is no ${path}; write the key there with mode 600, or correct the path`;
    return new RangeError(message, { cause });
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    const own = Deno.uid() ?? "unknown";
    const message = `cannot be read: this program (user ${own}) may not read ${path}; chown ${own} ${path}`;
    return new UnreadableKeyError(message, { cause });
  }
  return new RangeError(`cannot be read from ${path}: ${messageOf(cause)}`, { cause });
}

function requireFile(path: string, { isFile, isDirectory, size }: Deno.FileInfo): void {
  if (!isFile) {
    const what = isDirectory ? "a directory" : "no regular file";
    throw new RangeError(`cannot be read: ${path} is ${what}; name a file with one key a line`);
  }
  if (size <= MAX_FILE_BYTES) return;
  throw new RangeError(
    `cannot be used: ${path} has ${formatBytes(size)}, and a file of keys at most ${
      formatBytes(MAX_FILE_BYTES)
    }; ` +
      "name a file with one key a line",
  );
}

function requirePrivate(path: string, { mode, uid }: Deno.FileInfo): void {
  const own = Deno.uid();
  if (own === null || mode === null || uid === null) return; // not on this system
  if (uid !== own && uid !== 0) {
    throw new UnreadableKeyError(
      `cannot be used: ${path} belongs to user ${uid}, who could change it, and not to us (user ${own}) or root; ` +
        `chown ${own} ${path}`,
    );
  }
  if ((mode & OTHERS_BITS) === 0) return;
  const shown = (mode & 0o777).toString(8).padStart(3, "0");
  throw new RangeError(
    `cannot be used: the mode of ${path} is ${shown}, which lets others at the key; chmod 600 ${path}`,
  );
}

async function readText(path: string, file: Deno.FsFile): Promise<string> {
  const bytes = new Uint8Array(MAX_FILE_BYTES + 1);
  let length = 0;
  for (let count: number | null = 0; count !== null && length < bytes.length; length += count ?? 0) {
    count = await file.read(bytes.subarray(length));
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, length));
  } catch (cause) {
    throw new RangeError(`cannot be used: ${path} is not text; write one key a line`, { cause });
  }
}
