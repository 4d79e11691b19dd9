import type { Clock } from "../clock.ts";
import type { LoadProgress } from "../pool/pooled.ts";
import type { CoordinatorEvent } from "./coordinator_log.ts";

/** What a {@linkcode LoadWatch} tells, and to whom. */
export interface LoadWatchOptions {
  /** Hears how far the load is. Must not throw. */
  readonly onProgress: (progress: LoadProgress) => void;
  /** Bytes of weights that are planned on rpc backends. */
  readonly totalBytes: number;
  /** How many bytes have reached them; `undefined` if nobody knows. */
  readonly readSentBytes: (signal: AbortSignal) => Promise<number | undefined>;
  /** Times the looks. */
  readonly clock: Clock;
}

const LOOK_MS = 1_000;

/** Tells how far a load is: its stages by its log, and each second the bytes that have arrived. Dispose it at its end. */
export class LoadWatch implements Disposable {
  #stage: LoadProgress["stage"] = "connecting";
  #sentBytes = 0;
  readonly #loaded = new AbortController();

  /** Tells at once that the process connects. */
  constructor(private readonly options: LoadWatchOptions) {
    options.onProgress({ stage: "connecting" });
  }

  /** Takes what the process says of itself. */
  hear({ type }: CoordinatorEvent): void {
    if (type === "loading" && this.#stage === "connecting") {
      this.#enter("loading");
      if (this.options.totalBytes > 0) void this.#watchBytes();
    }
    if (type === "warming_up" && this.#stage !== "warming up") {
      this.#loaded.abort();
      this.#enter("warming up");
    }
  }

  /** Nothing is told from here on. */
  [Symbol.dispose](): void {
    this.#loaded.abort();
  }

  #enter(stage: LoadProgress["stage"]): void {
    this.#stage = stage;
    this.options.onProgress({ stage });
  }

  async #watchBytes(): Promise<void> {
    const { onProgress, totalBytes, readSentBytes, clock } = this.options;
    const { signal } = this.#loaded;
    try {
      for (;;) {
        await clock.sleep(LOOK_MS, { signal });
        const told = await readSentBytes(signal);
        signal.throwIfAborted();
        if (told === undefined) return;
        this.#sentBytes = Math.min(Math.max(told, this.#sentBytes), totalBytes); // what is sent beside weights counts, too
        onProgress({ stage: "loading", sentBytes: this.#sentBytes, totalBytes });
      }
    } catch {
      // The load is over.
    }
  }
}
