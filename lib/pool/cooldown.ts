import { backOffMs } from "../back_off.ts";
import { tooSoon } from "./refusals.ts";
import type { ResidentHost } from "./resident_host.ts";

/**
 * Keeps requests from having a model's coordinator started again and again that fails each time: a start is dear, for
 * others may be stopped for it. After the n-th failure in a row, requests are refused with its error for
 * {@linkcode backOffMs}(n).
 */
export class Cooldown {
  #failureCount = 0;
  #refused: { readonly error: unknown; readonly untilMs: number } | undefined;

  /** It is as good as new. @param model Its name, for people. */
  constructor(private readonly model: string, private readonly host: ResidentHost) {}

  /** It failed, and nothing is tried any more. @param errorOf The error, given the pause until a request may start it, ms. */
  begin(errorOf: (pauseMs: number) => unknown): unknown {
    const { clock, random } = this.host;
    const pauseMs = backOffMs(++this.#failureCount, random());
    const error = errorOf(pauseMs);
    this.#refused = { error, untilMs: clock.monotonic() + pauseMs };
    return error;
  }

  /** What a request is refused with that comes too soon. */
  get refusal(): unknown {
    if (!this.#refused) return undefined;
    const leftMs = this.#refused.untilMs - this.host.clock.monotonic();
    return leftMs > 0 ? tooSoon(this.model, this.#refused.error, leftMs) : undefined;
  }

  /** It is tried again, whoever wanted that: what failed before says nothing of how it is now. */
  lift(): void {
    this.#refused = undefined;
  }

  /** It has proved sound, or somebody says that the cause is gone: the next failure is the first. */
  reset(): void {
    this.#failureCount = 0;
    this.#refused = undefined;
  }
}
