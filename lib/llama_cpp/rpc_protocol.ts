import { dirname } from "node:path";
import { systemClock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import { ChildProcess } from "../process/child.ts";
import { parseVersion, type ProtocolVersion } from "../rpc/protocol.ts";
import { untilAborted } from "../until_aborted.ts";
import { readInstallation } from "./installation.ts";
import { parseRpcBanner } from "./version.ts";

/** Bounds {@linkcode readRpcProtocol}. */
export interface ReadRpcProtocolOptions {
  /** Ends it early, with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** How long the server may take to say it. Default 10 s. */
  timeoutMs?: number;
}

/**
 * Asks an rpc server for its protocol by starting it for a moment, on a loopback port that nobody knows of: it tells
 * that in its banner only. It is gone when this returns.
 *
 * @returns `undefined` if it does not say it in time, or cannot be started.
 * @throws {Error} Only the signal's reason.
 */
export async function readRpcProtocol(
  rpcServer: string,
  { signal, timeoutMs = 10_000 }: ReadRpcProtocolOptions = {},
): Promise<ProtocolVersion | undefined> {
  try {
    signal?.throwIfAborted();
    return await readBanner(rpcServer, signal, timeoutMs);
  } catch {
    signal?.throwIfAborted();
    return undefined; // setup has checked that it runs: what it speaks is good to know, not needed
  }
}

/**
 * The rpc protocol that a program of our own prefix speaks, from the record there. Runs nothing.
 *
 * @param program Path of llama-server or ggml-rpc-server; links are followed.
 * @returns `undefined` if nobody knows: a program that `sollol setup` did not install, or an older setup did.
 */
export async function rpcProtocolOf(program: string): Promise<ProtocolVersion | undefined> {
  const directory = dirname(await Deno.realPath(program).catch(() => program));
  const recorded = (await readInstallation(dirname(directory)))?.rpcProtocol;
  return recorded === undefined ? undefined : parseVersion(recorded);
}

async function readBanner(
  program: string,
  signal: AbortSignal | undefined,
  timeoutMs: number,
): Promise<ProtocolVersion | undefined> {
  const { promise: banner, resolve } = Promise.withResolvers<ProtocolVersion>();
  const onLine = (line: string) => {
    const version = parseRpcBanner(line);
    if (version) resolve(version);
  };
  const args = ["-H", "127.0.0.1", "-p", String(freePort()), "-t", "1"];
  await using child = await ChildProcess.spawn({ program, args, onLine });
  using deadline = new Deadline(systemClock, timeoutMs, { signal });
  const over = untilAborted(AbortSignal.any([child.gone, deadline.signal]));
  const version = await Promise.race([banner, over.then(() => undefined)]);
  signal?.throwIfAborted();
  return version;
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
