import { join } from "node:path";
import { GatewayError, messageOf } from "../errors.ts";

const UNFINISHED = ".part";

/** The content of files, each under its id. An id is of our making, never a client's. */
export class FileFolder {
  /** Made when the first file is written. */
  constructor(readonly path: string) {}

  /** Begins a file. @throws {GatewayError} `upstream_failed` if it cannot be written. */
  async begin(id: string): Promise<FileWriter> {
    const path = this.#pathOf(id);
    return await orDiskError(path, async () => {
      await Deno.mkdir(this.path, { recursive: true, mode: 0o700 });
      const file = await Deno.open(path + UNFINISHED, { createNew: true, write: true, mode: 0o600 });
      return new FileWriter(file, { folder: this.path, path });
    });
  }

  /**
   * Opens a file for reading.
   *
   * @throws {GatewayError} `not_found` if its content is gone; `upstream_failed` if it cannot be read now, or the whole
   *   folder is away, which may be mounted again.
   */
  open(id: string): Deno.FsFile {
    try {
      return Deno.openSync(this.#pathOf(id));
    } catch (cause) {
      if (!(cause instanceof Deno.errors.NotFound)) throw diskError("read", this.#pathOf(id), cause);
      if (!isThere(this.path)) throw diskError("read", this.path, cause);
      const message = `Cannot read file "${id}": its content is gone from ${this.path}; upload it again`;
      throw new GatewayError("not_found", message, { cause });
    }
  }

  /** Removes the content of a file; what is gone, or cannot be removed now, is no fault. */
  remove(id: string): void {
    removeQuietly(this.#pathOf(id));
  }

  /** Removes what was last written before that moment, wall clock, and is not `isKnown`. */
  async removeUnknown(beforeMs: number, isKnown: (id: string) => boolean): Promise<void> {
    for (const { name } of await Array.fromAsync(Deno.readDir(this.path)).catch(() => [])) {
      if (isKnown(name)) continue;
      const path = join(this.path, name);
      const { mtime } = await Deno.stat(path).catch(() => ({ mtime: null }));
      if (mtime && mtime.getTime() < beforeMs) removeQuietly(path);
    }
  }

  #pathOf(id: string): string {
    return join(this.path, id);
  }
}

/** A file that is being written. What is not kept is removed at disposal, and is never seen by its name. */
export class FileWriter implements AsyncDisposable {
  #file: Deno.FsFile | undefined;
  readonly #folder: string;
  readonly #path: string;
  #sizeBytes = 0;

  /** Takes the file over. Others want {@linkcode FileFolder.begin}. */
  constructor(file: Deno.FsFile, { folder, path }: { readonly folder: string; readonly path: string }) {
    this.#file = file;
    this.#folder = folder;
    this.#path = path;
  }

  /** How much was written. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Appends bytes. @throws {GatewayError} `upstream_failed`. */
  async write(bytes: Uint8Array): Promise<void> {
    await orDiskError(this.#path, async () => {
      for (let written = 0; written < bytes.length;) {
        written += await this.#file!.write(bytes.subarray(written));
      }
    });
    this.#sizeBytes += bytes.length;
  }

  /** From here on it is there by its name, also after a power failure. @throws {GatewayError} `upstream_failed`. */
  async keep(): Promise<void> {
    await orDiskError(this.#path, async () => {
      await this.#file!.sync();
      await Deno.rename(this.#path + UNFINISHED, this.#path);
      this.#file!.close();
      this.#file = undefined;
      using folder = await Deno.open(this.#folder);
      await folder.sync();
    });
  }

  /** Removes what was not kept. */
  [Symbol.asyncDispose](): Promise<void> {
    if (this.#file) {
      this.#file.close();
      removeQuietly(this.#path + UNFINISHED);
    }
    return Promise.resolve();
  }
}

async function orDiskError<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw diskError("write", path, cause);
  }
}

function diskError(what: "read" | "write", path: string, cause: unknown): GatewayError {
  const todo = what === "write"
    ? "free the disk, or name a state_dir that can be written"
    : "see that it is there, and look at its permissions";
  return new GatewayError("upstream_failed", `Cannot ${what} ${path}: ${messageOf(cause)}; ${todo}`, {
    cause,
  });
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // gone already, or removed by a later sweep
  }
}
