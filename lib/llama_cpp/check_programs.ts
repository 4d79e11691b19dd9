import { messageOf } from "../errors.ts";
import { describeFailure, run } from "../process/run.ts";
import type { Programs } from "./prefix.ts";
import { readLlamaVersion } from "./read_version.ts";
import type { VersionReading } from "./version.ts";

/** How long a program may take to answer. */
export interface CheckOptions {
  /** Ends the program. */
  signal?: AbortSignal | undefined;
  /** Default 10 s: loading its libraries from a cold disk takes most of it. */
  timeoutMs?: number;
}

/**
 * Runs both programs to see that they load, and that llama-server can use rpc backends.
 *
 * @returns llama-server's version, or the first thing that is wrong.
 * @throws {Error} Only the signal's reason.
 */
export async function checkPrograms(programs: Programs, options: CheckOptions = {}): Promise<VersionReading> {
  const { llamaServer, rpcServer } = programs;
  const [version, ...troubles] = await Promise.all([
    readLlamaVersion(llamaServer, options),
    // the option is only there if libggml-rpc.so could be loaded
    checkHelp(llamaServer, "--rpc", "has no --rpc: its rpc backend is missing", options),
    checkHelp(rpcServer, "--port", "has no --port: it is no rpc server", options),
  ]);
  const because = troubles.find((trouble) => trouble !== undefined);
  return version.ok && because ? { ok: false, because } : version;
}

/** @returns What is wrong with a program whose help must name an option. */
async function checkHelp(
  path: string,
  option: string,
  otherwise: string,
  { signal, timeoutMs = 10_000 }: CheckOptions,
): Promise<string | undefined> {
  try {
    const result = await run(path, ["--help"], { signal, timeoutMs });
    if (result.code !== 0) return `"${path} --help" ${describeFailure(result, timeoutMs)}`;
    return `${result.stdout}\n${result.stderr}`.includes(`${option} `) ? undefined : `${path} ${otherwise}`;
  } catch (error) {
    signal?.throwIfAborted();
    return messageOf(error);
  }
}
