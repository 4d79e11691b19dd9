import { completeBehaviour, type FakeOllamaBehaviour, type FakeOllamaMode } from "./fake_ollama_mode.ts";
import type { FakeOllamaExchange } from "./fake_ollama_exchange.ts";

/** How one request is to be treated. */
export interface Treatment extends FakeOllamaBehaviour {
  readonly mode: FakeOllamaMode;
}

const OK: Treatment = { mode: "ok", ...completeBehaviour("ok", {}) };
const FREEZES: ReadonlySet<FakeOllamaMode> = new Set(["hang", "hang_inference", "half_open"] as const);

/** What a fake node is told to do, and who has to hear when that changes. */
export class FakeOllamaMood {
  #now: Treatment = OK;
  #timesLeft = Infinity;
  readonly #listeners = new Set<() => void>();

  /** What it was told. */
  get mode(): FakeOllamaMode {
    return this.#now.mode;
  }

  /** Tells it something else. */
  behave(mode: FakeOllamaMode, options: Partial<FakeOllamaBehaviour>): void {
    this.#now = { mode, ...completeBehaviour(mode, options) };
    this.#timesLeft = this.#now.times;
    for (const listener of [...this.#listeners]) listener();
  }

  /** How a request that just came is treated; it counts as one of the times. */
  treat(isInference: boolean): Treatment {
    const treatment = this.#concerning(isInference);
    if (treatment !== OK && --this.#timesLeft <= 0) this.#now = OK;
    return treatment;
  }

  /** How a request that came with this treatment is treated by now: one that was for it alone stays. */
  treatStill(came: Treatment, isInference: boolean): Treatment {
    if (came.times !== Infinity) return came;
    return this.#now.times === Infinity ? this.#concerning(isInference) : OK;
  }

  /** Waits while it is frozen, or until the client leaves. @returns How the request is treated then. */
  async untilThawed(
    came: Treatment,
    isInference: boolean,
    exchange: FakeOllamaExchange,
  ): Promise<Treatment> {
    let treatment = this.treatStill(came, isInference);
    while (this.isFrozen(treatment) && !exchange.isOver) {
      await exchange.wait((resolve) => {
        this.#listeners.add(resolve);
        return () => this.#listeners.delete(resolve);
      });
      treatment = this.#concerning(isInference);
    }
    return treatment;
  }

  /** Whether a request so treated waits: cheap to ask for each token. */
  isFrozen({ mode }: Treatment): boolean {
    return FREEZES.has(mode);
  }

  #concerning(isInference: boolean): Treatment {
    const { on } = this.#now;
    return on === "all" || (on === "inference") === isInference ? this.#now : OK;
  }
}
