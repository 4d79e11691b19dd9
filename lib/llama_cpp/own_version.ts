import { dirname, join } from "node:path";
import type { OwnVersion } from "../registry/health_ledger.ts";
import type { LlamaCpp } from "./find.ts";
import { readLlamaVersion } from "./read_version.ts";
import { readRpcProtocol, rpcProtocolOf } from "./rpc_protocol.ts";

const known = new Map<string, OwnVersion | undefined>();

/**
 * What our llama-server is, as rpc backends must be: its build from itself; its protocol, which it does not tell, from
 * the record of the prefix that it stands in, else from the rpc server that was installed with it. Asked once for each
 * file that it ever was.
 *
 * @returns `undefined` if there is no llama-server, or nobody knows its protocol.
 * @throws {Error} Only the signal's reason.
 */
export async function ownVersionOf(
  { llamaServer, rpcServer }: LlamaCpp,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<OwnVersion | undefined> {
  if (!llamaServer.found) return undefined;
  const { mtime, ino, size } = await Deno.stat(llamaServer.path).catch(() => ({
    mtime: null,
    ino: 0,
    size: 0,
  }));
  const key = JSON.stringify([llamaServer.path, mtime, ino, size]);
  if (!known.has(key)) {
    const sibling = rpcServer.found ? rpcServer.path : undefined;
    known.set(key, await readOwnVersion(llamaServer.path, sibling, signal));
  }
  return known.get(key);
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
