import { dirname, isAbsolute, join, resolve, sep } from "node:path";
import { GatewayError, messageOf } from "../errors.ts";
import { formatBytes } from "../units.ts";

/** What tells one state of a file from the next without reading it. */
export interface FileStamp {
  /** Length in bytes. */
  readonly sizeBytes: number;
  /** Time of the last change, milliseconds since 1970. */
  readonly modifiedAtMs: number;
  /** Number of the file on its disk; a file that was replaced has another one. 0 where the system has none. */
  readonly inode: number;
}

/** A file or directory that exists, links followed. */
export interface StoreEntry extends FileStamp {
  /** What the path leads to; devices, pipes and sockets are `other`. */
  readonly type: "file" | "directory" | "other";
}

/**
 * What the path leads to, or undefined if nothing is there.
 *
 * @throws {GatewayError} `model_unusable` if it cannot be said: no permission, a dangling link, a loop of links.
 */
export async function readEntry(path: string): Promise<StoreEntry | undefined> {
  try {
    return toEntry(await Deno.stat(path));
  } catch (error) {
    if (isAbsent(error) && !(await isLink(path))) return undefined;
    throw await explainFailure(path, error);
  }
}

/**
 * Reads a small file whole. Undefined if nothing is there.
 *
 * @returns Its bytes, and the stamp that it had before they were read.
 * @throws {GatewayError} `model_unusable` if it is no plain file, longer than `maxBytes`, or cannot be read.
 */
export async function readSmallFile(
  path: string,
  maxBytes: number,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; stamp: FileStamp } | undefined> {
  const entry = await readEntry(path); // before opening: to open a pipe would wait for its writer
  if (!entry) return undefined;
  if (entry.type !== "file") throw new GatewayError("model_unusable", `Cannot read "${path}": it is no file`);
  if (entry.sizeBytes > maxBytes) {
    const sizes = `it has ${formatBytes(entry.sizeBytes)}, at most ${formatBytes(maxBytes)} are allowed`;
    throw new GatewayError("model_unusable", `Cannot read "${path}": ${sizes}; is it what it should be?`);
  }
  try {
    return { bytes: await Deno.readFile(path), stamp: entry };
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw await explainFailure(path, error);
  }
}

/**
 * The first bytes of a file; fewer if it is shorter.
 *
 * @throws {GatewayError} `model_unusable` if it cannot be read.
 */
export async function readStart(path: string, byteCount: number): Promise<Uint8Array> {
  const start = new Uint8Array(byteCount);
  try {
    using file = await Deno.open(path);
    return start.subarray(0, (await file.read(start)) ?? 0);
  } catch (error) {
    throw await explainFailure(path, error);
  }
}

/**
 * The names in a directory, sorted by their bytes; none if it is absent or no directory.
 *
 * @throws {GatewayError} `model_unusable` if it cannot be listed.
 */
export async function readNames(directory: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(directory)) names.push(name);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw await explainFailure(directory, error);
  }
  return names.sort();
}

/** Whether two stamps are of one state of one file. */
export function equalStamps(a: FileStamp, b: FileStamp): boolean {
  return a.sizeBytes === b.sizeBytes && a.modifiedAtMs === b.modifiedAtMs && a.inode === b.inode;
}

/** Turns what the system said about a path into a sentence that names the culprit and the cure. */
async function explainFailure(path: string, error: unknown): Promise<GatewayError> {
  return new GatewayError("model_unusable", `Cannot read "${path}": ${await reasonOf(path, error)}`, {
    cause: error,
  });
}

async function reasonOf(path: string, error: unknown): Promise<string> {
  switch (codeOf(error)) {
    case "EACCES":
    case "EPERM":
      return explainPermission(await firstClosed(path));
    case "ELOOP":
      return `its links form a loop; correct them`;
    case "ENOENT": {
      const target = await Deno.readLink(path).catch(() => "nothing");
      return `it is a link to "${target}", which does not exist; mount or restore that, or pull the model again`;
    }
    default:
      return messageOf(error);
  }
}

function explainPermission(closed: string): string {
  const uid = Deno.uid();
  return `permission denied at "${closed}"; give this user (uid ${uid}) access: add it to the group that owns ` +
    `"${closed}" (of Ollama's service: "usermod -aG ollama <user>", then start again), ` +
    `or run "setfacl -m u:${uid}:rX" on it`;
}

/** The first directory on the way that may not be entered, or the path itself if only that is closed. */
async function firstClosed(path: string, linkCount = 0): Promise<string> {
  const steps = resolve(path).split(sep);
  for (let count = 2; count <= steps.length; count++) {
    const step = steps.slice(0, count).join(sep);
    try {
      await Deno.stat(step);
    } catch (error) {
      const target = await Deno.readLink(step).catch(() => undefined);
      if (target === undefined || linkCount > 40 || codeOf(error) === "ELOOP") return dirname(step);
      return firstClosed(isAbsolute(target) ? target : join(dirname(step), target), linkCount + 1);
    }
  }
  return path;
}

/** A name too long for the disk cannot be on it: a host may have 350 characters, a directory's name 255. */
function isAbsent(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR", "ENAMETOOLONG"].includes(codeOf(error));
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code);
}

async function isLink(path: string): Promise<boolean> {
  try {
    return (await Deno.lstat(path)).isSymlink;
  } catch {
    return false; // it is absent, which is what the caller already knows
  }
}

function toEntry({ size, mtime, ino, isFile, isDirectory }: Deno.FileInfo): StoreEntry {
  const type = isFile ? "file" : isDirectory ? "directory" : "other";
  return { type, sizeBytes: size, modifiedAtMs: mtime?.getTime() ?? 0, inode: ino ?? 0 };
}
