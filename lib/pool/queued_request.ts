import type { CoordinatorLife, Waited } from "./life.ts";
import type { PoolDemand, Pooled } from "./pooled.ts";
import type { Ticket } from "./waiting_line.ts";

const DEFAULT_PRIORITY = 5;

/** What a {@linkcode QueuedRequest} is made with. */
export interface Queueing<C extends Pooled> {
  /** Canonical key of the model. */
  readonly key: string;
  /** What was asked of the pool. */
  readonly demand: PoolDemand;
  /** Since when it waits, ms of the monotonic clock. */
  readonly sinceMs: number;
  /** What the model's clock of loads showed then, ms. */
  readonly loadClockMs: number;
  /** Whether it uses a slot; if not, it only wants the model loaded. */
  readonly needsSlot: boolean;
  /** Its turn has come. */
  readonly serve: (life: CoordinatorLife<C>, waited: Waited) => void;
  /** It gets nothing. */
  readonly refuse: (reason: unknown) => void;
  /** Its client has left, and it was refused. */
  readonly onLeft: () => void;
}

/** A request that waits for its turn. Ends by being served, refused, or left by its client. */
export class QueuedRequest<C extends Pooled> implements Ticket {
  readonly key: string;
  readonly priority: number;
  readonly sinceMs: number;
  /** Whether it uses a slot; if not, it only wants the model loaded. */
  readonly needsSlot: boolean;
  /** For how long it may wait for others' work, ms; `undefined`: as the settings say. */
  readonly maxWaitMs: number | undefined;
  readonly #leave: () => void;

  /** It listens for its client's leaving from now on. */
  constructor(private readonly queueing: Queueing<C>) {
    const { key, demand, sinceMs, needsSlot, refuse, onLeft } = queueing;
    this.key = key;
    this.priority = demand.priority ?? DEFAULT_PRIORITY;
    this.sinceMs = sinceMs;
    this.needsSlot = needsSlot;
    this.maxWaitMs = demand.maxWaitMs;
    this.#leave = () => {
      refuse(demand.signal.reason);
      onLeft();
    };
    demand.signal.addEventListener("abort", this.#leave, { once: true });
  }

  /** How much of its waiting was for others' work, ms. @param loadClockMs What the model's clock of loads shows now. */
  queueMs(nowMs: number, loadClockMs: number): number {
    return nowMs - this.sinceMs - (loadClockMs - this.queueing.loadClockMs);
  }

  /** Its turn has come. @param loadClockMs What the model's clock of loads shows now. */
  serve(life: CoordinatorLife<C>, nowMs: number, loadClockMs: number): void {
    this.#settle();
    const loadMs = loadClockMs - this.queueing.loadClockMs;
    this.queueing.serve(life, { queueMs: this.queueMs(nowMs, loadClockMs), loadMs });
  }

  /** It gets nothing. */
  refuse(reason: unknown): void {
    this.#settle();
    this.queueing.refuse(reason);
  }

  #settle(): void {
    this.queueing.demand.signal.removeEventListener("abort", this.#leave);
  }
}
