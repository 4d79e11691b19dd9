import type { Clock } from "../clock.ts";
import type { LoadProgress } from "../pool/pooled.ts";
import type { StalledLoadFacts } from "./coordinator_failure.ts";
import type { CoordinatorEvent } from "./coordinator_log.ts";
import { LoadJudge, type LoadJudgeOptions, type LoadLook } from "./load_judge.ts";

/** What a {@linkcode LoadWatch} tells, and to whom. */
export interface LoadWatchOptions extends LoadJudgeOptions {
  /** Hears how far the load is. Must not throw. */
  readonly onProgress: (progress: LoadProgress) => void;
  /** Bytes of weights that are planned on rpc backends. */
  readonly totalBytes: number;
  /** What the kernel shows now; `undefined` if it shows nothing. */
  readonly look: (signal: AbortSignal) => Promise<LoadLook | undefined>;
  /** Times the looks. */
  readonly clock: Clock;
}

/** The weights do not arrive any more. llama-server says nothing, and would wait forever. */
export class StalledLoad extends Error {
  /** Takes the facts as they are. */
  constructor(readonly facts: StalledLoadFacts) {
    super("The weights do not arrive any more");
  }
}

const LOOK_MS = 1_000;

/**
 * Tells how far a load is: its stages by its log, and each second the bytes that have arrived; and notices if it hangs
 * before it warms up. Dispose it at its end.
 */
export class LoadWatch implements Disposable {
  #stage: LoadProgress["stage"];
  #sentBytes = 0;
  #isWatched = false;
  readonly #judge: LoadJudge;
  readonly #loaded = new AbortController();
  readonly #stalled = new AbortController();

  /** Tells at once that the process connects; that it loads, where there is nobody to connect to. */
  constructor(private readonly options: LoadWatchOptions) {
    this.#judge = new LoadJudge(options);
    this.#stage = options.endpoints.length > 0 ? "connecting" : "loading";
    options.onProgress({ stage: this.#stage });
  }

  /** Aborts when the load hangs; the reason is a {@linkcode StalledLoad}. */
  get stalled(): AbortSignal {
    return this.#stalled.signal;
  }

  /** Takes what the process says of itself. */
  hear({ type }: CoordinatorEvent): void {
    if (type === "device_info" || type === "loading") this.#begin();
    if (type === "loading" && this.#stage === "connecting") this.#enter("loading");
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

  /** Before its backends have answered it, it is somebody else's to watch. */
  #begin(): void {
    const { endpoints, totalBytes } = this.options;
    if (this.#isWatched || totalBytes === 0 || endpoints.length === 0) return;
    this.#isWatched = true;
    void this.#watch();
  }

  async #watch(): Promise<void> {
    const { look, clock } = this.options;
    const { signal } = this.#loaded;
    try {
      for (;;) {
        await clock.sleep(LOOK_MS, { signal });
        const seen = await look(signal);
        signal.throwIfAborted();
        if (!seen) continue;
        this.#tell(seen);
        const stall = this.#judge.judge(seen, clock.monotonic());
        if (!stall) continue;
        const facts = { ...stall, sentBytes: this.#sentBytes, totalBytes: this.options.totalBytes };
        return this.#stalled.abort(new StalledLoad(facts));
      }
    } catch {
      // The load is over.
    }
  }

  #tell({ connections }: LoadLook): void {
    if (this.#stage !== "loading" || connections.length === 0) return;
    const { onProgress, totalBytes } = this.options;
    const told = connections.reduce((sum, { ackedBytes }) => sum + ackedBytes, 0);
    this.#sentBytes = Math.min(Math.max(told, this.#sentBytes), totalBytes); // what is sent beside weights counts, too
    onProgress({ stage: "loading", sentBytes: this.#sentBytes, totalBytes });
  }
}
