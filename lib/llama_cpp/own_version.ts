import { dirname, join } from "node:path";
import { systemClock } from "../clock.ts";
import type { OwnVersion } from "../registry/health_ledger.ts";
import type { LlamaCpp } from "./find.ts";
import { readLlamaVersion } from "./read_version.ts";
import { readRpcProtocol, rpcProtocolOf } from "./rpc_protocol.ts";

/** What could not be read now may be readable later: a cold disk, a GPU that compiles its kernels, ms. */
const RETRY_MS = 60_000;

interface Reading {
  readonly own: Promise<OwnVersion | undefined>;
  readonly sinceMs: number;
  isWhole: boolean;
}

const readings = new Map<string, Reading>();

/**
 * What our llama-server is, as rpc backends must be: its build from itself; its protocol, which it does not tell, from
 * the record of the prefix that it stands in, else from the rpc server that was installed with it. Read once for each
 * file that it ever was, and again after a minute if not all of it could be read.
 *
 * @returns `undefined` if there is no llama-server, or nobody knows its protocol.
 * @throws {Error} Only the reason of the signal that ended the reading.
 */
export async function ownVersionOf(
  { llamaServer, rpcServer }: LlamaCpp,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<OwnVersion | undefined> {
  if (!llamaServer.found) return undefined;
  const unknown = { mtime: null, ino: 0, size: 0 };
  const { mtime, ino, size } = await Deno.stat(llamaServer.path).catch(() => unknown);
  const key = JSON.stringify([llamaServer.path, mtime, ino, size]);
  const known = readings.get(key);
  const nowMs = systemClock.monotonic();
  if (known && (known.isWhole || nowMs - known.sinceMs < RETRY_MS)) return await known.own;
  const own = readOwnVersion(llamaServer.path, rpcServer.found ? rpcServer.path : undefined, signal);
  const reading: Reading = { own, sinceMs: nowMs, isWhole: false };
  readings.set(key, reading);
  try {
    reading.isWhole = (await own)?.build !== undefined;
    return await own;
  } catch (error) {
    readings.delete(key); // the caller's signal ended it
    throw error;
  }
}

async function readOwnVersion(
  llamaServer: string,
  rpcServer: string | undefined,
  signal: AbortSignal | undefined,
): Promise<OwnVersion | undefined> {
  const protocol = await rpcProtocolOf(llamaServer) ??
    (rpcServer !== undefined && await areOfOneInstallation(llamaServer, rpcServer)
      ? await readRpcProtocol(rpcServer, { signal })
      : undefined);
  if (!protocol) return undefined;
  const reading = await readLlamaVersion(llamaServer, { signal });
  const build = reading.ok && reading.version.build !== undefined ? `b${reading.version.build}` : undefined;
  return { protocol, build };
}

/** Side by side, or as Debian lays them out: one in `bin`, the other below `libexec` of the same root. */
async function areOfOneInstallation(llamaServer: string, rpcServer: string): Promise<boolean> {
  const directoryOf = async (path: string) => dirname(await Deno.realPath(path).catch(() => path));
  const [ours, theirs] = await Promise.all([directoryOf(llamaServer), directoryOf(rpcServer)]);
  return ours === theirs || theirs.startsWith(join(dirname(ours), "libexec/"));
}
