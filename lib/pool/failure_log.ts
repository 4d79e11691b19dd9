import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { Pooled, PoolFailure } from "./pooled.ts";

const KEPT_COUNT = 10;

/** Why a coordinator died or could not start, the last few times. */
export class FailureLog {
  #failures: readonly PoolFailure[] = [];

  /** Nothing has failed yet. */
  constructor(private readonly clock: Clock) {}

  /** The last few, oldest first. */
  get all(): readonly PoolFailure[] {
    return this.#failures;
  }

  /** Notes a failure. */
  add(reason: string): void {
    const at = new Date(this.clock.now()).toISOString();
    this.#failures = [...this.#failures, { at, reason }].slice(-KEPT_COUNT);
  }

  /** Notes a death; the reason is put in when it is known. */
  addDeath({ gone }: Pooled): void {
    this.add(reasonOfDeath({ gone }));
    if (gone.aborted) return;
    const noted = this.#failures.at(-1);
    const explain = (failure: PoolFailure) =>
      failure === noted ? { ...failure, reason: messageOf(gone.reason) } : failure;
    gone.addEventListener("abort", () => this.#failures = this.#failures.map(explain), { once: true });
  }
}

/** Why a coordinator is dead, as far as it is known now. */
export function reasonOfDeath({ gone }: Pick<Pooled, "gone">): string {
  return gone.aborted ? messageOf(gone.reason) : "its process has ended";
}
