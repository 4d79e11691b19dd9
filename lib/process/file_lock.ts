import { systemClock } from "../clock.ts";

const RETRY_MS = 100;

/** How {@linkcode lockFile} waits. */
export interface LockOptions {
  /** Ends the waiting. */
  signal?: AbortSignal | undefined;
  /** Called once if another process holds the lock. */
  onWait?: () => void;
}

/**
 * Holds a file's exclusive lock until disposed; the kernel frees it when the process dies. Waits by
 * asking again: a blocking lock could not be interrupted.
 *
 * @throws {Error} If the file cannot be created or opened; the signal's reason on abort.
 */
export async function lockFile(path: string, { signal, onWait }: LockOptions = {}): Promise<Disposable> {
  const file = await Deno.open(path, { create: true, write: true, mode: 0o600 });
  try {
    let waiting = false;
    while (!(await file.tryLock(true))) {
      if (!waiting) onWait?.();
      waiting = true;
      await systemClock.sleep(RETRY_MS, signal ? { signal } : {});
    }
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}
