import { basename, dirname, join } from "node:path";

/** A directory that lives no longer than its owner; disposal removes it. */
export interface OwnedDirectory extends AsyncDisposable {
  /** Absolute; readable by us only (mode 0700). */
  readonly path: string;
}

const PREFIX = "sollol-run-";
/** Held by the owner. The kernel frees it however the owner ends, and no pid has to be believed. */
const LOCK = "owner.lock";

/**
 * Makes a private directory with a name of its own, and removes those whose owners were killed. A living owner is
 * known by the lock that it holds: unlike a pid it means the same in every container that shares the directory,
 * is not given to somebody else later, and can be asked for where `/proc` cannot be read.
 *
 * @param parent Default: the host's directory for temporary files.
 */
export async function makeOwnedDirectory(parent?: string): Promise<OwnedDirectory> {
  const fresh = await Deno.makeTempDir(parent === undefined ? {} : { dir: parent }); // not yet by its name: it has no lock
  const path = join(dirname(fresh), `${PREFIX}${basename(fresh)}`);
  await using startup = new AsyncDisposableStack();
  startup.defer(() => remove(fresh));
  const lock = startup.use(await takeLock(fresh));
  await Deno.rename(fresh, path);
  startup.move();
  await removeAbandoned(dirname(path));
  return {
    path,
    async [Symbol.asyncDispose]() {
      lock?.close();
      await remove(path);
    },
  };
}

/** Where locks do not work nobody can take one either, and the directory is left alone. */
async function takeLock(directory: string): Promise<Deno.FsFile | undefined> {
  const file = await Deno.open(join(directory, LOCK), { createNew: true, write: true, mode: 0o600 });
  if (await isFree(file)) return file;
  file.close();
  return undefined;
}

async function removeAbandoned(parent: string): Promise<void> {
  const entries = await Array.fromAsync(Deno.readDir(parent)).catch(() => []);
  const ours = entries.filter(({ name, isDirectory }) => isDirectory && name.startsWith(PREFIX));
  await Promise.all(ours.map(({ name }) => removeIfAbandoned(join(parent, name))));
}

async function removeIfAbandoned(path: string): Promise<void> {
  try {
    using lock = await Deno.open(join(path, LOCK), { write: true });
    if (await isFree(lock)) await remove(path);
  } catch {
    // another user's, or somebody else has just removed it
  }
}

function isFree(file: Deno.FsFile): Promise<boolean> {
  return file.tryLock(true).catch(() => false);
}

function remove(path: string): Promise<void> {
  return Deno.remove(path, { recursive: true }).catch(() => {}); // removed by others: as well
}
