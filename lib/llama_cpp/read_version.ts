import { dirname, join } from "node:path";
import { messageOf } from "../errors.ts";
import { describeFailure, run } from "../process/run.ts";
import { readInstallation } from "./installation.ts";
import { parseLlamaVersion, type VersionReading } from "./version.ts";

/** How long a program may take to answer. */
export interface ReadVersionOptions {
  /** Ends the program. */
  signal?: AbortSignal | undefined;
  /** Default 10 s: loading its libraries from a cold disk takes most of it. */
  timeoutMs?: number;
}

/**
 * Asks a llama.cpp program for its version by `--version`.
 *
 * @throws {Error} Only the signal's reason; all that the program does wrong is a result.
 */
export async function readLlamaVersion(
  path: string,
  { signal, timeoutMs = 10_000 }: ReadVersionOptions = {},
): Promise<VersionReading> {
  try {
    const result = await run(path, ["--version"], { signal, timeoutMs });
    const version = parseLlamaVersion(result.stderr) ?? parseLlamaVersion(result.stdout);
    if (version && result.code === 0) return { ok: true, version };
    const failure = result.code === 0 ? "printed no version" : describeFailure(result, timeoutMs);
    return { ok: false, because: `"${path} --version" ${failure}` };
  } catch (error) {
    signal?.throwIfAborted();
    return { ok: false, because: messageOf(error) };
  }
}

/**
 * Reads the build of an rpc server, which has no `--version`: from the record of our own prefix,
 * else from the llama-server that was installed with it.
 *
 * @throws {Error} Only the signal's reason.
 */
export async function readRpcServerVersion(
  path: string,
  options: ReadVersionOptions = {},
): Promise<VersionReading> {
  const directory = dirname(await Deno.realPath(path).catch(() => path));
  const installation = await readInstallation(dirname(directory));
  const recorded = parseLlamaVersion(`version: ${installation?.version ?? ""}`);
  if (recorded) return { ok: true, version: recorded };
  for (const sibling of siblings(directory)) {
    const reading = await readLlamaVersion(sibling, options);
    if (reading.ok) return reading;
  }
  return {
    ok: false,
    because: `The build of ${path} is unknown: it has no --version and no llama-server beside it`,
  };
}

/** Where the llama-server of the same build is: beside it, or in bin if Debian put it under libexec. */
function siblings(directory: string): string[] {
  const debian = /^(.*)\/libexec\/[^/]+\/llama\/bin$/.exec(directory);
  return [directory, ...(debian ? [`${debian[1]}/bin`] : [])].map((folder) => join(folder, "llama-server"));
}
