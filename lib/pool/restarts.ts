import type { GatewayError } from "../errors.ts";
import type { ResidentHost } from "./resident_host.ts";
import { failedAgain, gaveUp } from "./refusals.ts";
import { RestartHistory, type Retry } from "./restart_history.ts";

/** How often a model's coordinator was started again, and whether it will be. */
export class Restarts {
  readonly #history: RestartHistory;
  /** Which restart the last one was, within the window in which failures count. */
  #lastAttempt = 0;
  #count = 0;
  #wasGivenUp = false;

  /** It has not failed yet. @param model Its name, for people. */
  constructor(private readonly model: string, private readonly host: ResidentHost) {
    this.#history = new RestartHistory(host.random);
  }

  /** How often it was ready again after a failure. */
  get count(): number {
    return this.#count;
  }

  /** It failed. @returns When to try it again, or what to tell whoever wants it. */
  failed(error: unknown): Retry | GatewayError {
    const settings = this.host.settings();
    const retry = this.#history.failed(this.host.clock.monotonic(), settings);
    const count = this.#lastAttempt + 1;
    this.#lastAttempt = retry === "give up" ? 0 : retry.attempt;
    if (retry !== "give up") return retry;
    const isAgain = this.#wasGivenUp;
    this.#wasGivenUp = true;
    return isAgain
      ? failedAgain(this.model, error)
      : gaveUp(this.model, { count, windowMs: settings.restartWindowMs, error });
  }

  /** It is ready again. @returns Which restart that was, within the window in which failures count. */
  succeeded(): number {
    this.#count++;
    return this.#lastAttempt;
  }

  /** Somebody asks for it: one that was given up may try once more. */
  grant(): void {
    this.#history.grant(this.host.clock.monotonic());
  }

  /** It has proved sound, or somebody says that the cause is gone: the next failure is the first. */
  forgive(): void {
    this.#history.reset();
    this.#lastAttempt = 0;
    this.#wasGivenUp = false;
  }
}
