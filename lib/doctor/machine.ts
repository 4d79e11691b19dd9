import { statfs } from "node:fs/promises";
import { messageOf } from "../errors.ts";
import { run } from "../process/run.ts";
import { isReadOnly } from "./mount_info.ts";

/** What lies at a path. */
export interface FileFacts {
  /** What it is, links followed. */
  readonly kind: "file" | "directory" | "other";
  /** Its permission bits, 0 to 0o7777. */
  readonly mode: number;
  /** User that owns it. */
  readonly userId: number;
  /** Names the file system that it is on. */
  readonly device: number;
}

/** Room of a file system. */
export interface DiskSpace {
  /** What may still be written by users that are not root, bytes. */
  readonly freeBytes: number;
  /** All of it, bytes. */
  readonly totalBytes: number;
}

/** What a program answered. */
export interface Answered {
  /** Exit code. */
  readonly code: number;
  /** What it wrote. */
  readonly stdout: string;
}

/** The host that is looked at; injected, so that a test can invent one. Nothing in it changes anything. */
export interface Machine {
  /** As in `Deno.build.os`. */
  readonly os: string;
  /** As in `Deno.build.arch`. */
  readonly arch: string;
  /** Text of a file of the kernel or of the system; `undefined` if it is not there or not for us. */
  readText(path: string): Promise<string | undefined>;
  /** What is there; `undefined` if nothing. @throws The system's error if it cannot be said. */
  stat(path: string): Promise<FileFacts | undefined>;
  /** Names in a directory; empty if it is not there or not for us. */
  list(path: string): Promise<readonly string[]>;
  /** Where a link leads to; `undefined` if it is none, or not for us. */
  readLink(path: string): Promise<string | undefined>;
  /** What keeps us from reading a file or directory, in words; `undefined` if nothing does. */
  whyNotRead(path: string): Promise<string | undefined>;
  /** What keeps us from writing there, in words; `undefined` if nothing does, or nobody knows. */
  whyNotWrite(path: string, signal: AbortSignal): Promise<string | undefined>;
  /** Room of the file system that a path is on; `undefined` if that cannot be said. */
  readSpace(path: string): Promise<DiskSpace | undefined>;
  /** Runs a program of the system to its end; `undefined` if there is none of this name, or it hangs. */
  ask(program: string, args: readonly string[], signal: AbortSignal): Promise<Answered | undefined>;
}

/** Longer than `systemctl` of a busy machine takes, ms. */
const PROGRAM_MS = 4_000;

/** The host that this process runs on. */
export const thisHost: Machine = {
  os: Deno.build.os,
  arch: Deno.build.arch,
  readText: (path) => Deno.readTextFile(path).catch(() => undefined),
  async stat(path) {
    try {
      const { isFile, isDirectory, mode, uid, dev } = await Deno.stat(path);
      const kind = isFile ? "file" : isDirectory ? "directory" : "other";
      return { kind, mode: (mode ?? 0) & 0o7777, userId: uid ?? -1, device: dev };
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  },
  list: (path) =>
    Array.fromAsync(Deno.readDir(path)).then((entries) => entries.map(({ name }) => name), () => []),
  readLink: (path) => Deno.readLink(path).catch(() => undefined),
  async whyNotRead(path) {
    try {
      const { isDirectory } = await Deno.stat(path);
      if (isDirectory) await hasEntry(path);
      else (await Deno.open(path)).close();
      return undefined;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return "it does not exist";
      if (error instanceof Deno.errors.PermissionDenied) return "this user may not";
      return messageOf(error);
    }
  },
  async whyNotWrite(path, signal) {
    // by the kernel's word, with all its groups, lists and mounts; asked without writing anything
    const answer = await this.ask("test", ["-w", path], signal);
    if (answer?.code !== 1) return undefined;
    const mounts = await this.readText("/proc/self/mountinfo");
    return isReadOnly(mounts ?? "", path) ? "the file system is read-only" : "this user may not";
  },
  async readSpace(path) {
    try {
      const { bsize, blocks, bavail } = await statfs(path);
      return { freeBytes: bsize * bavail, totalBytes: bsize * blocks };
    } catch { // a directory that is gone, a file system that does not tell
      return undefined;
    }
  },
  async ask(program, args, signal) {
    try {
      const { code, stdout, timedOut } = await run(program, args, { signal, timeoutMs: PROGRAM_MS });
      return timedOut || code === undefined ? undefined : { code, stdout };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Error) return undefined; // it is not installed
      throw error;
    }
  },
};

/** Whether there is anything in a directory. @throws The system's error if it may not be read. */
async function hasEntry(path: string): Promise<boolean> {
  for await (const _entry of Deno.readDir(path)) return true;
  return false;
}
