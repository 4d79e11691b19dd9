import { Waiter } from "../queue/waiter.ts";
import type { CoordinatorLife, Waited } from "./life.ts";
import type { PoolDemand, Pooled } from "./pooled.ts";
import type { Resident } from "./resident.ts";
import { becauseOf } from "./sentences.ts";

/** What a {@linkcode QueuedRequest} is made with. */
export interface Queueing<C extends Pooled> {
  /** Whom it waits for. */
  readonly resident: Resident<C>;
  /** How it waits. */
  readonly demand: PoolDemand;
  /** Since when it waits, ms of the monotonic clock. */
  readonly sinceMs: number;
  /** Whether it uses a slot; if not, it only wants the model loaded. */
  readonly needsSlot: boolean;
  /** Its turn has come. */
  readonly serve: (life: CoordinatorLife<C>, waited: Waited) => void;
  /** It gets nothing. */
  readonly refuse: (reason: unknown) => void;
}

/** A request that waits for a model's coordinator. */
export class QueuedRequest<C extends Pooled> extends Waiter {
  /** Whether it uses a slot; if not, it only wants the model loaded. */
  readonly needsSlot: boolean;
  readonly #resident: Resident<C>;
  readonly #serve: Queueing<C>["serve"];
  readonly #mayGoElsewhere: PoolDemand["mayGoElsewhere"];
  /** What the model's clock of loads showed when it came, ms. */
  readonly #loadClockMs: number;

  /** It waits as soon as it is added to a line. */
  constructor({ resident, needsSlot, serve, ...waiting }: Queueing<C>) {
    super({ key: resident.key, model: resident.model, ...waiting });
    this.needsSlot = needsSlot;
    this.#resident = resident;
    this.#serve = serve;
    this.#mayGoElsewhere = waiting.demand.mayGoElsewhere;
    this.#loadClockMs = resident.loads.totalMs;
  }

  /** Whether somebody else would serve it now. */
  get mayGoElsewhere(): boolean {
    return this.#mayGoElsewhere?.() ?? false;
  }

  /** Who waits for its own model to load may wait for that. */
  get isHeldUp(): boolean {
    return !this.#resident.loads.isRunning;
  }

  /** How much of its waiting was for others' work, ms. */
  queueMs(nowMs: number): number {
    return nowMs - this.sinceMs - this.#loadMs();
  }

  /** What its model waits for, to follow its name. */
  because(nowMs: number): string {
    return becauseOf(this.#resident, nowMs);
  }

  /** Its turn has come. */
  serve(life: CoordinatorLife<C>, nowMs: number): void {
    this.#serve(life, { queueMs: this.queueMs(nowMs), loadMs: this.#loadMs() });
  }

  #loadMs(): number {
    return this.#resident.loads.totalMs - this.#loadClockMs;
  }
}
