import type { OwnVersion } from "../registry/health_ledger.ts";
import { readLlamaVersion } from "./read_version.ts";
import { rpcProtocolOf } from "./rpc_protocol.ts";

const known = new Map<string, OwnVersion | undefined>();

/**
 * What our llama-server is, as rpc backends must be: its protocol from the record of the prefix that it stands in, its
 * build from itself. Asked once for each file that it ever was.
 *
 * @param llamaServer Path of the program.
 * @returns `undefined` if nobody recorded its protocol: it does not tell.
 * @throws {Error} Only the signal's reason.
 */
export async function ownVersionOf(
  llamaServer: string,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<OwnVersion | undefined> {
  const { mtime, ino, size } = await Deno.stat(llamaServer).catch(() => ({ mtime: null, ino: 0, size: 0 }));
  const key = JSON.stringify([llamaServer, mtime, ino, size]);
  if (!known.has(key)) known.set(key, await readOwnVersion(llamaServer, signal));
  return known.get(key);
}

async function readOwnVersion(
  llamaServer: string,
  signal: AbortSignal | undefined,
): Promise<OwnVersion | undefined> {
  const protocol = await rpcProtocolOf(llamaServer);
  if (!protocol) return undefined;
  const reading = await readLlamaVersion(llamaServer, { signal });
  const build = reading.ok && reading.version.build !== undefined ? `b${reading.version.build}` : undefined;
  return { protocol, build };
}
