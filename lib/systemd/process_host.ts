import { dirname, join } from "node:path";
import type { Environment } from "../config/environment.ts";
import { describeFailure, run } from "../process/run.ts";
import type { CommandOutcome, FileInfo, UnitHost } from "./unit_host.ts";

/** What waits for nobody takes seconds on a busy machine. */
const COMMAND_TIMEOUT_MS = 120_000;

/** The machine that we run on. */
export class ProcessHost implements UnitHost {
  readonly userId: number = Deno.uid() ?? 0;
  readonly home: string | undefined;
  readonly configHome: string | undefined;

  /** Reads where this user's files are. */
  constructor(env: Environment) {
    this.home = absolute(env["HOME"]);
    this.configHome = absolute(env["XDG_CONFIG_HOME"]);
  }

  /** Runs a program of the system to its end. @throws As {@linkcode UnitHost} says. */
  async run(
    program: string,
    args: readonly string[],
    { signal, timeoutMs = COMMAND_TIMEOUT_MS }: { signal: AbortSignal; timeoutMs?: number },
  ): Promise<CommandOutcome> {
    const env = { ...Deno.env.toObject(), LC_ALL: "C", TZ: "UTC" };
    const result = await run(program, args, { env, signal, timeoutMs });
    const hasFailed = result.code !== 0 || result.timedOut;
    return { ...result, failure: hasFailed ? describeFailure(result, timeoutMs) : "" };
  }

  /** What lies at a path; `undefined` for nothing. */
  async readInfo(path: string): Promise<FileInfo | undefined> {
    const info = await ifThere(Deno.stat(path));
    if (!info) return undefined;
    return {
      type: info.isFile ? "file" : info.isDirectory ? "directory" : "other",
      mode: (info.mode ?? 0) & 0o7777,
      userId: info.uid ?? 0,
      groupId: info.gid ?? 0,
      changedAtMs: info.mtime?.getTime() ?? 0,
    };
  }

  /** The path without symbolic links; `undefined` if it leads nowhere. */
  async readRealPath(path: string): Promise<string | undefined> {
    return await ifThere(Deno.realPath(path));
  }

  /** Where a symbolic link points to; `undefined` if there is none. */
  async readLink(path: string): Promise<string | undefined> {
    const info = await ifThere(Deno.lstat(path));
    return info?.isSymlink ? await ifThere(Deno.readLink(path)) : undefined;
  }

  /** All of a text file; `undefined` if there is none. */
  async readText(path: string): Promise<string | undefined> {
    return await ifThere(Deno.readTextFile(path));
  }

  /** Names in a directory, sorted. */
  async readNames(path: string): Promise<string[]> {
    const names = await ifThere(Array.fromAsync(Deno.readDir(path), ({ name }) => name));
    return (names ?? []).sort();
  }

  /** Makes a directory and those above it. */
  async makeDirectory(path: string, mode: number): Promise<void> {
    if (await this.readInfo(path)) return;
    await this.makeDirectory(dirname(path), mode);
    await Deno.mkdir(path, { recursive: true, mode }); // recursive: somebody may have been faster
    await Deno.chmod(path, mode); // whatever the umask
  }

  /** Writes a file in one step, and has the disk hold it. */
  async writeText(path: string, text: string, mode: number): Promise<void> {
    const fresh = join(dirname(path), `.sollol-${crypto.randomUUID().slice(0, 8)}.new`);
    try {
      await writeSynced(fresh, text, mode);
      await Deno.rename(fresh, path);
    } catch (error) {
      await Deno.remove(fresh).catch(() => {}); // the first failure is the one to tell
      throw error;
    }
  }

  /** Removes a file or an empty directory. @returns Whether there was one. */
  async remove(path: string): Promise<boolean> {
    return await isGone(Deno.remove(path));
  }

  /** Removes a directory with all that is in it. @returns Whether there was one. */
  async removeTree(path: string): Promise<boolean> {
    return await isGone(Deno.remove(path, { recursive: true }));
  }
}

async function writeSynced(path: string, text: string, mode: number): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  const bytes = new TextEncoder().encode(text);
  for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
  await Deno.chmod(path, mode); // whatever the umask
  await file.sync();
}

function absolute(path: string | undefined): string | undefined {
  return path?.startsWith("/") ? path : undefined;
}

async function isGone(removal: Promise<void>): Promise<boolean> {
  return await ifThere(removal.then(() => true)) ?? false;
}

async function ifThere<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}
