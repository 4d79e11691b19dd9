import { type Clock, systemClock } from "../clock.ts";

/** How often the file is looked at, ms: whoever writes it does not wait for more than that. */
const LOOK_EVERY_MS = 1_000;
/** For how long a file must stay as it is before it counts as written, ms: nobody wants half of it. */
const SETTLE_MS = 150;

/** What {@linkcode FileWatch} watches, and whom it tells. */
export interface FileWatchOptions {
  /** The file; it may be a link, and may be replaced, removed and made anew at any time, with its directory, too. */
  readonly path: string;
  /** Called each time that it was written, has become another file, or is gone. Must not throw. */
  readonly onChange: () => void;
  /** Default: the host's. */
  readonly clock?: Pick<Clock, "sleep">;
}

/**
 * Notices changes of a file by looking at it each second. It is never opened, and neither is anything beside it: what
 * watches directories opens what appears there, and a FIFO, or a network mount that hangs, would hold it for ever.
 */
export class FileWatch implements AsyncDisposable {
  readonly #options: FileWatchOptions;
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;
  #stamp: string;

  private constructor(options: FileWatchOptions, stamp: string) {
    this.#options = options;
    this.#stamp = stamp;
    this.#ended = this.#look();
  }

  /** Tells of changes from now on, until disposal. Never rejects: a file that is not there may come. */
  static async start(options: FileWatchOptions): Promise<FileWatch> {
    return new FileWatch(options, await stampOf(options.path));
  }

  /** Nothing is called afterwards. Waits for no disk. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#ended;
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.#sleep(LOOK_EVERY_MS);
      const stamp = await this.#settledStamp();
      if (signal.aborted || stamp === this.#stamp) continue;
      this.#stamp = stamp;
      this.#options.onChange();
    }
  }

  /** The file's stamp once it is the known one, or has stayed the same for a while. */
  async #settledStamp(): Promise<string> {
    let last = this.#stamp;
    for (;;) {
      const now = await this.#stampNow();
      if (now === last || this.#closing.signal.aborted) return now;
      last = now;
      await this.#sleep(SETTLE_MS);
    }
  }

  /** A disk that hangs must not hold whoever closes: its answer is dropped then. */
  #stampNow(): Promise<string> {
    const { signal } = this.#closing;
    return new Promise((resolve) => {
      const giveUp = () => resolve(this.#stamp);
      signal.addEventListener("abort", giveUp, { once: true });
      void stampOf(this.#options.path).then((stamp) => {
        signal.removeEventListener("abort", giveUp);
        resolve(stamp);
      });
    });
  }

  /** Ends early when it is over. */
  async #sleep(ms: number): Promise<void> {
    const { clock = systemClock } = this.#options;
    await clock.sleep(ms, { signal: this.#closing.signal }).catch(() => {});
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
