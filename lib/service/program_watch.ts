import { type Clock, systemClock } from "../clock.ts";

/** What a {@linkcode ProgramWatch} works with. */
export interface ProgramWatchOptions {
  /** Path of the file that was started; `undefined`: sollol runs from its source, and no file is watched. */
  readonly path: string | undefined;
  /** Of this program. */
  readonly version: string;
  /** Paces looks. Default: the host's. */
  readonly clock?: Pick<Clock, "monotonic">;
  /** Another text for another file, `undefined` if there is none. Default: asks the host. */
  readonly readStamp?: (path: string) => string | undefined;
}

/** A look costs one call of the kernel; whoever asks more often gets what was seen last, ms. */
const LOOK_EVERY_MS = 30_000;

/** Notices that the program was replaced while it runs: what runs is the old one until it is restarted. */
export class ProgramWatch {
  readonly #options: Required<ProgramWatchOptions>;
  readonly #stamp: string | undefined;
  #lookedMs: number;
  #isReplaced = false;

  /** What is there now is what runs. */
  constructor(options: ProgramWatchOptions) {
    this.#options = { clock: systemClock, readStamp, ...options };
    this.#stamp = this.#read();
    this.#lookedMs = this.#options.clock.monotonic();
  }

  /** Why a restart is needed, and how, in one sentence; `undefined` if none is. At most every 30 s the disk is asked. */
  get restartNeeded(): string | undefined {
    const { clock, version, path } = this.#options;
    if (clock.monotonic() - this.#lookedMs >= LOOK_EVERY_MS) {
      this.#lookedMs = clock.monotonic();
      this.#isReplaced = this.#stamp !== undefined && this.#read() !== this.#stamp;
    }
    if (!this.#isReplaced) return undefined;
    return `runs ${version}, but ${path} was replaced or removed since; restart it when idle: systemctl restart sollol`;
  }

  #read(): string | undefined {
    const { path, readStamp } = this.#options;
    return path === undefined ? undefined : readStamp(path);
  }
}

/** A file that was written over in place has another time, too. */
function readStamp(path: string): string | undefined {
  try {
    const { dev, ino, size, mtime } = Deno.statSync(path);
    return [dev, ino, size, mtime?.getTime()].join(" ");
  } catch {
    return undefined;
  }
}
