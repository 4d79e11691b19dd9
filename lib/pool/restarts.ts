import { GatewayError } from "../errors.ts";
import { Cooldown } from "./cooldown.ts";
import type { Pooled } from "./pooled.ts";
import { failedAgain, gaveUp } from "./refusals.ts";
import type { ResidentHost } from "./resident_host.ts";
import { RestartHistory, type Retry } from "./restart_history.ts";
import type { Start } from "./start.ts";

/** A cold start whose process fails is tried at once so often, each time without what it failed by. */
const MAX_ATTEMPTS = 4;

/** What comes after a failure. */
export type Verdict =
  /** It is tried at once, without what it failed by. */
  | { readonly kind: "elsewhere" }
  /** It is tried again after a pause. */
  | ({ readonly kind: "again" } & Retry)
  /** It waits until it can be placed. */
  | { readonly kind: "wait for a place" }
  /** It is left alone; whoever waits is told this. */
  | { readonly kind: "give up"; readonly error: unknown };

/** How often a model's coordinator was started again, and whether and when it will be. */
export class Restarts {
  readonly #history: RestartHistory;
  readonly #cooldown: Cooldown;
  /** Which restart the last one was, within the window in which failures count. */
  #lastAttempt = 0;
  #count = 0;
  #wasGivenUp = false;

  /** It has not failed yet. @param model Its name, for people. */
  constructor(private readonly model: string, private readonly host: ResidentHost) {
    this.#history = new RestartHistory(host.random);
    this.#cooldown = new Cooldown(model, host);
  }

  /** How often it was ready again after a failure. */
  get count(): number {
    return this.#count;
  }

  /** What a request is refused with that comes too soon after it was given up. */
  get refusal(): unknown {
    return this.#cooldown.refusal;
  }

  /**
   * It died after it had been ready. One that had begun to answer is started again for whoever asks, however often that
   * happens: its requests are tried again, and each of them only once.
   *
   * @param wasUsed Whether it had got a request.
   * @param isAwaited Whether somebody asks for it already.
   */
  died(error: unknown, { wasUsed, isAwaited }: { wasUsed: boolean; isAwaited: boolean }): Verdict {
    const verdict = this.#failed(error);
    if (verdict.kind !== "give up" || !wasUsed) return verdict;
    if (!isAwaited) {
      this.#cooldown.lift();
      return verdict;
    }
    this.grant();
    return { kind: "again", attempt: 1, retryInMs: 0 };
  }

  #failed(error: unknown): Verdict {
    const settings = this.host.settings();
    const retry = this.#history.failed(this.host.clock.monotonic(), settings);
    const count = this.#lastAttempt + 1;
    this.#lastAttempt = retry === "give up" ? 0 : retry.attempt;
    if (retry !== "give up") return { kind: "again", ...retry };
    const isAgain = this.#wasGivenUp;
    this.#wasGivenUp = true;
    const { restartWindowMs: windowMs } = settings;
    return {
      kind: "give up",
      error: this.#cooldown.begin((pauseMs) =>
        isAgain
          ? failedAgain(this.model, { error, pauseMs })
          : gaveUp(this.model, { count, windowMs, error, pauseMs })
      ),
    };
  }

  /** A start failed. @param hadProcess Whether that has cost anything. */
  startFailed(start: Start<Pooled>, error: unknown, hadProcess: boolean): Verdict {
    if (!hadProcess && start.isPatient && isForWantOfPlace(error)) return { kind: "wait for a place" };
    if (start.recovery) return this.#failed(error);
    start.errors.push(error);
    const mayRetry = hadProcess && start.errors.length < MAX_ATTEMPTS && this.host.mayRetry(error);
    if (mayRetry) return { kind: "elsewhere" };
    const told = this.host.chooseError(start.errors);
    const wasDear = (hadProcess || start.errors.length > 1) && !isKnownToPlans(told);
    return { kind: "give up", error: wasDear ? this.#cooldown.begin(() => told) : told };
  }

  /** It is ready again. @returns Which restart that was, within the window in which failures count. */
  succeeded(): number {
    this.#count++;
    return this.#lastAttempt;
  }

  /** Somebody has it started: one that was given up may try once more. */
  grant(): void {
    this.#history.grant(this.host.clock.monotonic());
    this.#cooldown.lift();
  }

  /** It has proved sound, or somebody says that the cause is gone: the next failure is the first. */
  forgive(): void {
    this.#history.reset();
    this.#cooldown.reset();
    this.#lastAttempt = 0;
    this.#wasGivenUp = false;
  }
}

/** Whether plans know of it by now: nothing is started again that would fail by it, and an operator may mend it at once. */
function isKnownToPlans(error: unknown): boolean {
  return error instanceof GatewayError && error.code === "insufficient_memory";
}

/** Whether there was no place for it, which may change any moment. */
function isForWantOfPlace(error: unknown): boolean {
  return error instanceof GatewayError &&
    (error.code === "backend_unreachable" || error.code === "no_capacity" ||
      error.code === "insufficient_memory");
}
