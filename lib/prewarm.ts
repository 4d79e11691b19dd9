import { backOffMs } from "./back_off.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { CoordinatorAdmin } from "./coordinator_admin.ts";
import { type ErrorCode, GatewayError } from "./errors.ts";
import type { Logger } from "./log.ts";

/** What {@linkcode Prewarm} works with. */
export interface PrewarmOptions {
  /** Models by name, in the order in which they are loaded. */
  readonly models: readonly string[];
  /** Loads them. */
  readonly coordinators: Pick<CoordinatorAdmin, "loadModel">;
  /** Gets a line for each. */
  readonly logger: Logger;
  /** Default: the host's. */
  readonly clock?: Clock;
}

/** At the start of a gateway its rpc backends are often still joining: a load is tried for half a minute. */
const MAX_ATTEMPTS = 6;
const PASSING: ReadonlySet<ErrorCode> = new Set(["backend_unreachable", "no_capacity"]);

/** Loads models before anybody asks for them, one after the other; disposal ends it, loads that are ready stay. */
export class Prewarm implements AsyncDisposable {
  readonly #ended = new AbortController();
  readonly #done: Promise<void>;

  /** Begins at once. */
  constructor(private readonly options: PrewarmOptions) {
    this.#done = this.#loadAll();
  }

  /** Resolves when nothing more is loaded. */
  get done(): Promise<void> {
    return this.#done;
  }

  /** Begins no further load. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#done;
  }

  /** Cannot reject: what fails is told to the log, and the next model is loaded. */
  async #loadAll(): Promise<void> {
    for (const model of this.options.models) {
      if (this.#ended.signal.aborted) return;
      await this.#load(model);
    }
  }

  async #load(model: string): Promise<void> {
    const { coordinators, logger, clock = systemClock } = this.options;
    const { signal } = this.#ended;
    for (let attempt = 1;; attempt++) {
      try {
        await coordinators.loadModel(model, { signal });
        return logger.info("model prewarmed", { model });
      } catch (error) {
        if (signal.aborted) return;
        const mayPass = error instanceof GatewayError && PASSING.has(error.code);
        if (!mayPass || attempt === MAX_ATTEMPTS) return logger.warn("model not prewarmed", { model, error });
      }
      await clock.sleep(backOffMs(attempt), { signal }).catch(() => {}); // ended: the next load is refused
    }
  }
}
