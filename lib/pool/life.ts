import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { CoordinatorLease, Pooled } from "./pooled.ts";

/** What a request waited for before it got its lease, ms. */
export type Waited = Pick<CoordinatorLease<Pooled>, "queueMs" | "loadMs">;

/** What a life is made with. */
export interface LifeOptions {
  /** Measures. */
  readonly clock: Clock;
  /** How long it took to load, ms. */
  readonly loadMs: number;
  /** Hears that a lease was given back, as long as the life is not over. */
  readonly onReleased: () => void;
  /** Hears that a request was answered whole, as long as the life is not over. */
  readonly onServed: () => void;
}

/** Hears how a life goes on, as long as it is not over. */
export interface LifeWatcher {
  /** Its process has exited. */
  readonly onDeath: () => void;
  /** It is to end as soon as it is idle. @param because A sentence. */
  readonly onLeaving: (because: string) => void;
}

/** One life of one coordinator. Leases count against it, never against what serves the model after its end. */
export class CoordinatorLife<C extends Pooled> {
  /** How long it took to load, ms. */
  readonly loadMs: number;
  /** When it became ready, ms of the monotonic clock. */
  readonly readyMs: number;
  #inFlightCount = 0;
  #wasUsed = false;
  #usedMs: number;
  #keepAliveMs: number | undefined;
  #isOver = false;
  readonly #clock: Clock;
  readonly #onReleased: () => void;
  readonly #onServed: () => void;
  readonly #listening = new DisposableStack();

  /** It is ready from now on, and idle. */
  constructor(readonly coordinator: C, { clock, loadMs, onReleased, onServed }: LifeOptions) {
    this.loadMs = loadMs;
    this.#clock = clock;
    this.#onReleased = onReleased;
    this.#onServed = onServed;
    this.readyMs = this.#usedMs = clock.monotonic();
  }

  /** Leases that were not given back yet. */
  get inFlightCount(): number {
    return this.#inFlightCount;
  }

  /** Whether nobody uses it. */
  get isIdle(): boolean {
    return this.#inFlightCount === 0;
  }

  /** Whether it has got a request at all. */
  get wasUsed(): boolean {
    return this.#wasUsed;
  }

  /** Whether one more request may be sent to it. */
  get hasFreeSlot(): boolean {
    return this.#inFlightCount < this.coordinator.slotCount;
  }

  /** When it was used last, ms of the monotonic clock: now, unless it is idle. */
  get usedMs(): number {
    return this.isIdle ? this.#usedMs : this.#clock.monotonic();
  }

  /** For how long it is to stay idle, as the most recent request wished, ms; `undefined` if that had no wish. */
  get keepAliveMs(): number | undefined {
    return this.#keepAliveMs;
  }

  /** Tells what happens to it; at once what has happened. Called once. */
  watch({ onDeath, onLeaving }: LifeWatcher): void {
    const { dead, leaving } = this.coordinator;
    this.#onAbort(dead, onDeath);
    if (leaving) this.#onAbort(leaving, onLeaving);
  }

  /** Takes over when its predecessor, which died, was used, and what its requests wished. */
  inherit({ usedMs, keepAliveMs }: { usedMs: number; keepAliveMs: number | undefined }): void {
    this.#usedMs = usedMs;
    this.#keepAliveMs = keepAliveMs;
  }

  /** Counts as used now, and stays idle for so long from now on, ms. */
  touch(keepAliveMs: number | undefined): void {
    this.#usedMs = this.#clock.monotonic();
    this.#keepAliveMs = keepAliveMs;
  }

  /** Takes a slot; whether there is one is the caller's to know. */
  lease(keepAliveMs: number | undefined, waited: Waited): CoordinatorLease<C> {
    this.#inFlightCount++;
    this.#wasUsed = true;
    this.#keepAliveMs = keepAliveMs;
    return new SlotLease(this, waited);
  }

  /** A request was answered whole. Only leases call it. */
  served(): void {
    if (!this.#isOver) this.#onServed();
  }

  /** Gives a slot back. Only leases call it. */
  release(): void {
    this.#inFlightCount--;
    if (this.#isOver) return;
    if (this.isIdle) this.#usedMs = this.#clock.monotonic();
    this.#onReleased();
  }

  /** From here on nobody hears of it any more, and nothing that outlives it knows it. */
  end(): void {
    this.#isOver = true;
    this.#listening.dispose();
  }

  /** Some signals live as long as the gateway: what listens at them is not to stay there. */
  #onAbort(signal: AbortSignal, call: (because: string) => void): void {
    if (this.#isOver) return;
    const tell = () => call(messageOf(signal.reason));
    if (signal.aborted) return tell();
    signal.addEventListener("abort", tell, { once: true });
    this.#listening.defer(() => signal.removeEventListener("abort", tell));
  }
}

class SlotLease<C extends Pooled> implements CoordinatorLease<C> {
  readonly coordinator: C;
  readonly queueMs: number;
  readonly loadMs: number;
  #life: CoordinatorLife<C> | undefined;

  constructor(life: CoordinatorLife<C>, { queueMs, loadMs }: Waited) {
    this.#life = life;
    this.coordinator = life.coordinator;
    this.queueMs = queueMs;
    this.loadMs = loadMs;
  }

  reportServed(): void {
    this.#life?.served();
  }

  [Symbol.dispose](): void {
    const life = this.#life;
    this.#life = undefined;
    life?.release();
  }
}
