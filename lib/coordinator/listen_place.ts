import type { ServerAddress } from "../llama_server/args.ts";
import { makeOwnedDirectory, type OwnedDirectory } from "../process/owned_directory.ts";

/** Where a coordinator is to listen; disposal removes what was made for it. */
export interface ListenPlace extends AsyncDisposable {
  /** Nothing listens there yet. */
  readonly listen: ServerAddress;
}

/** The longest path that fits Linux' `sockaddr_un` with its final NUL. */
const UNIX_PATH_BYTES = 107;

/**
 * Makes a private directory (mode 0700) for a coordinator's socket, new for each start: llama-server leaves its
 * socket behind and cannot start over one. Those that a killed gateway left are removed. A loopback port that the kernel chooses where that cannot be.
 *
 * @param runtimeDirectory Where the directory is made; if its path is too long for a socket, the temporary
 *   directory of the host is taken.
 */
export async function makeListenPlace(
  transport: "unix" | "tcp",
  runtimeDirectory?: string,
): Promise<ListenPlace> {
  if (transport === "unix") {
    for (const parent of new Set([runtimeDirectory, undefined])) {
      const place = await makeSocketPlace(parent);
      if (place) return place;
    }
  }
  return {
    listen: { transport: "tcp", hostname: "127.0.0.1", port: 0 },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function makeSocketPlace(parent: string | undefined): Promise<ListenPlace | undefined> {
  const made = await makeDirectory(parent);
  if (!made) return undefined;
  const { path: directory, ...owned } = made;
  const path = `${directory}/http.sock`;
  if (new TextEncoder().encode(path).length <= UNIX_PATH_BYTES) {
    return { listen: { transport: "unix", path }, ...owned };
  }
  await owned[Symbol.asyncDispose]();
  return undefined;
}

/** `undefined` where none can be made: the disk is full, or not ours to write to. */
async function makeDirectory(parent: string | undefined): Promise<OwnedDirectory | undefined> {
  try {
    if (parent !== undefined) await Deno.mkdir(parent, { recursive: true, mode: 0o700 });
    return await makeOwnedDirectory(parent);
  } catch {
    return undefined;
  }
}
