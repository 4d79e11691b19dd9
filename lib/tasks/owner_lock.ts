import type { Logger } from "../log.ts";

/** Held by the one process that runs the batches of a state directory; the kernel frees it however the process ends. */
export class OwnerLock implements Disposable {
  readonly #path: string;
  readonly #logger: Logger;
  #file: Deno.FsFile | undefined;
  #isToldOf = false;

  /** Not taken yet. */
  constructor(path: string, { logger }: { readonly logger: Logger }) {
    this.#path = path;
    this.#logger = logger;
  }

  /** Takes it unless it is held. @returns Whether it is held by this object. */
  take(): boolean {
    if (this.#file) return true;
    try {
      this.#file = tryLock(this.#path);
    } catch (reason) {
      this.#tell("batches do not run: their lock cannot be taken", { path: this.#path, reason });
      return false;
    }
    if (!this.#file) {
      this.#tell("batches are run by another process with the same state_dir", { path: this.#path });
      return false;
    }
    if (this.#isToldOf) {
      this.#logger.info("batches are run by this process from now on", { path: this.#path });
    }
    return true;
  }

  /** Lets the next process run them. */
  [Symbol.dispose](): void {
    this.#file?.close();
    this.#file = undefined;
  }

  #tell(message: string, fields: Record<string, unknown>): void {
    if (!this.#isToldOf) this.#logger.warn(message, fields);
    this.#isToldOf = true;
  }
}

function tryLock(path: string): Deno.FsFile | undefined {
  const file = Deno.openSync(path, { create: true, write: true, mode: 0o600 });
  if (file.tryLockSync(true)) return file;
  file.close();
  return undefined;
}
