import { dirname } from "node:path";
import { type Clock, systemClock } from "../clock.ts";

/** For how long a file must stay as it is before it counts as written, ms: nobody wants half of it. */
const SETTLE_MS = 150;

/** What {@linkcode FileWatch} watches, and whom it tells. */
export interface FileWatchOptions {
  /** The file; it may be a link, and may be replaced, removed and made anew at any time. */
  readonly path: string;
  /** Called each time that it was written, has become another file, or is gone. Must not throw. */
  readonly onChange: () => void;
  /** Called once, if its changes cannot be seen, or no longer. Must not throw. */
  readonly onFault: (error: unknown) => void;
  /** For waiting until a change is over. Default: the host's. */
  readonly clock?: Pick<Clock, "sleep">;
}

/** A directory that is watched. */
interface WatchedDirectory {
  readonly watcher: Deno.FsWatcher;
  /** Resolves when nothing more of it is heard. */
  readonly ended: Promise<void>;
}

/**
 * Notices changes of a file by what happens in its directory, since editors write another file and rename it, and in
 * that of the file that it links to. What happens there is only a hint: the file itself tells whether it is another one.
 */
export class FileWatch implements AsyncDisposable {
  readonly #options: FileWatchOptions;
  readonly #closing = new AbortController();
  /** By device and inode: a directory that was removed and made anew has to be watched anew. */
  readonly #directories = new Map<string, WatchedDirectory>();
  #stamp = "";
  #hasHint = false;
  #looking: Promise<void> | undefined;
  #hasFault = false;

  private constructor(options: FileWatchOptions) {
    this.#options = options;
  }

  /** Tells of changes from now on, until disposal. Never rejects: a fault is told to the one who asked. */
  static async start(options: FileWatchOptions): Promise<FileWatch> {
    const watch = new FileWatch(options);
    await watch.#watchDirectories();
    watch.#stamp = await stampOf(options.path);
    return watch;
  }

  /** Nothing is called afterwards. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    const ended = [...this.#directories.values()].map(({ ended }) => ended);
    for (const id of [...this.#directories.keys()]) this.#leave(id);
    await Promise.all([this.#looking, ...ended]);
  }

  /** However many hints there are, one look runs at a time, and the last one began after the last hint. */
  #hint(): void {
    this.#hasHint = true;
    this.#looking ??= this.#look();
  }

  async #look(): Promise<void> {
    const { path, onChange } = this.#options;
    while (this.#hasHint && !this.#closing.signal.aborted) {
      this.#hasHint = false;
      const stamp = await this.#settledStamp(path);
      if (stamp === undefined || stamp === this.#stamp) continue;
      this.#stamp = stamp;
      onChange();
    }
    this.#looking = undefined; // in one step with the last question for hints: none is lost
  }

  /** The file's stamp once it has stayed the same for a while; `undefined` if it is over before that. */
  async #settledStamp(path: string): Promise<string | undefined> {
    const { clock = systemClock } = this.#options;
    const { signal } = this.#closing;
    let last = this.#stamp;
    for (;;) {
      await clock.sleep(SETTLE_MS, { signal }).catch(() => {}); // closed: seen below
      await this.#watchDirectories(); // first: what changes after the look gives a hint
      const now = await stampOf(path);
      if (signal.aborted) return undefined;
      if (now === last) return now;
      last = now;
    }
  }

  /** Watches what has to be watched now, and nothing else. */
  async #watchDirectories(): Promise<void> {
    try {
      const wanted = await directoriesOf(this.#options.path);
      if (this.#closing.signal.aborted) return;
      for (const id of [...this.#directories.keys()]) if (!wanted.has(id)) this.#leave(id);
      for (const [id, directory] of wanted) if (!this.#directories.has(id)) this.#watch(id, directory);
    } catch (error) {
      this.#fail(error);
    }
  }

  #watch(id: string, directory: string): void {
    const watcher = Deno.watchFs(directory, { recursive: false });
    this.#directories.set(id, { watcher, ended: this.#listen(watcher) });
  }

  async #listen(watcher: Deno.FsWatcher): Promise<void> {
    try {
      for await (const _ of watcher) this.#hint();
    } catch (error) {
      this.#fail(error);
    }
  }

  #leave(id: string): void {
    this.#directories.get(id)?.watcher.close();
    this.#directories.delete(id);
  }

  #fail(error: unknown): void {
    if (this.#hasFault || this.#closing.signal.aborted) return;
    this.#hasFault = true;
    this.#options.onFault(error);
  }
}

/** Another text for another file, and whenever it was written. */
async function stampOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtime, ctime } = await Deno.stat(path);
    return [dev, ino, size, mtime?.getTime(), ctime?.getTime()].join(" ");
  } catch {
    return "gone";
  }
}

/** Where changes of a file show, by device and inode: its own directory, and that of the file at the end of its links. */
async function directoriesOf(path: string): Promise<ReadonlyMap<string, string>> {
  const own = dirname(path);
  const target = await Deno.realPath(path).then(dirname).catch(() => own);
  const directories = new Map([[await identityOf(own), own]]);
  const targetIdentity = await identityOf(target).catch(() => undefined); // it was removed meanwhile
  if (targetIdentity !== undefined) directories.set(targetIdentity, target);
  return directories;
}

async function identityOf(directory: string): Promise<string> {
  const { dev, ino } = await Deno.stat(directory);
  return `${dev} ${ino}`;
}
