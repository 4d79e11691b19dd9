import type { CoordinatorState, PoolEvent } from "./pooled.ts";
import type { ResidentHost } from "./resident_host.ts";

/** What happens to a model's coordinator, without whose it is. */
export type OwnEvent = PoolEvent extends infer E ? E extends PoolEvent ? Omit<E, "id" | "model"> : never
  : never;

/** Where a model's coordinator is in its life; each step is logged and published. */
export class Standing {
  #state: CoordinatorState = "stopped";
  #because = "nobody has asked for it yet";

  /** It is stopped. @param whose Its id, and the name of its model. */
  constructor(
    private readonly whose: { readonly id: string; readonly model: string },
    private readonly host: ResidentHost,
  ) {}

  /** Where it is. */
  get state(): CoordinatorState {
    return this.#state;
  }

  /** Why it came there, to follow its name. */
  get because(): string {
    return this.#because;
  }

  /** Moves on. */
  enter(state: CoordinatorState, because: string, more: { loadMs?: number } = {}): void {
    const before = this.#state;
    this.#state = state;
    this.#because = because;
    if (state === before) return;
    const level = state === "failed" ? "warn" : "info";
    this.host.logger[level]("coordinator state", { ...this.whose, state, because, ...more });
    this.publish({ type: "state", state, before, because, ...more });
  }

  /** Tells what happens to it. */
  publish(event: OwnEvent): void {
    this.host.publish({ ...this.whose, ...event } as PoolEvent);
  }
}
