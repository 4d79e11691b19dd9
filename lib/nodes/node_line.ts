import type { Clock } from "../clock.ts";
import { RequestLine } from "../queue/request_line.ts";
import { type WaitDemand, Waiter, type Waiting } from "../queue/waiter.ts";
import type { WaitingRoom } from "../queue/waiting_room.ts";
import { Alarm } from "../registry/alarm.ts";
import type { NodePool } from "./node.ts";

/** What a {@linkcode NodeLine} is made of. */
export interface NodeLineOptions {
  /** Tells when a slot may have become free. */
  readonly pool: Pick<NodePool, "onChange">;
  /** Where requests wait, maybe together with others. */
  readonly room: WaitingRoom;
  /** Measures. */
  readonly clock: Clock;
  /** For how long a request waits that did not say it itself, ms; asked each time. */
  readonly settings: () => { readonly queueWaitMs: number };
}

/** What waits for a slot of a node. */
export interface SlotWanted<T> {
  /**
   * Equal only for those whom the same slots serve: the model's canonical key, and whatever else a request makes a
   * condition. One that finds no slot holds up all who come after it with the same key.
   */
  readonly key: string;
  /** The model's name, for people. */
  readonly model: string;
  /** How it waits. */
  readonly demand: WaitDemand;
  /**
   * Takes a slot if there is one: chooses and leases in this one synchronous step, or changes nothing. Whatever it throws,
   * the request is refused with.
   */
  readonly take: () => T | undefined;
  /** What it waits for, to follow the model's name: `waits for a slot of one of 3 nodes`. */
  readonly because: () => string;
}

/** A slot, and how long it was waited for. */
export interface SlotTaken<T> {
  /** What `take` returned. */
  readonly taken: T;
  /** Time spent waiting for others' work, ms; 0 if there was a slot at once. */
  readonly queueMs: number;
}

/**
 * Requests that wait for a slot of the nodes, the best first, each model's by itself: who waits for one never holds up
 * who waits for another.
 *
 * It asks them again each time that the pool has changed. Between a look at the slots and the waiting nothing else runs,
 * so no change is missed.
 */
export class NodeLine implements Disposable {
  readonly #clock: Clock;
  readonly #settings: NodeLineOptions["settings"];
  readonly #line: RequestLine<SlotWaiter>;
  readonly #alarm: Alarm;
  readonly #held = new DisposableStack();
  #isServing = false;
  #hasChanged = false;

  /** Nobody waits yet; it hears of the pool's changes until its disposal. */
  constructor({ pool, room, clock, settings }: NodeLineOptions) {
    this.#clock = clock;
    this.#settings = settings;
    this.#line = new RequestLine<SlotWaiter>(room);
    this.#alarm = this.#held.use(new Alarm(clock, () => this.#refuseOverdue()));
    this.#held.use(pool.onChange(() => this.#serve()));
  }

  /** How many wait with this key. */
  countOf(key: string): number {
    return this.#line.countOf(key);
  }

  /**
   * Takes a slot, now or when it is this request's turn.
   *
   * @throws {GatewayError} `rate_limited` if too many wait already; `no_capacity` if others' work took too long;
   *   `shutting_down`. And whatever `take` throws.
   * @throws The signal's reason, as soon as it aborts.
   */
  acquire<T>(wanted: SlotWanted<T>): Promise<SlotTaken<T>> {
    if (wanted.demand.signal.aborted) return Promise.reject(wanted.demand.signal.reason);
    const { promise, resolve, reject } = Promise.withResolvers<SlotTaken<T>>();
    const sinceMs = this.#clock.monotonic();
    const take = (nowMs: number): boolean => {
      const taken = wanted.take();
      if (taken !== undefined) resolve({ taken, queueMs: nowMs - sinceMs });
      return taken !== undefined;
    };
    this.#admit(new SlotWaiter({ ...wanted, take, sinceMs, refuse: reject }));
    return promise;
  }

  /** The settings may say another time now: it holds for those who wait already, too. */
  settingsChanged(): void {
    this.#refuseOverdue();
  }

  /** Refuses all who wait and all who come, and hears of no changes any more. */
  close(): void {
    this.#held.dispose();
    this.#line.close();
  }

  /** The same as {@linkcode close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #admit(waiter: SlotWaiter): void {
    const closed = this.#line.refusal(waiter.model, { isBounded: false });
    if (closed) return waiter.refuse(closed);
    if (this.#line.isFirst(waiter) && waiter.hasEnded(waiter.sinceMs)) return;
    const full = this.#line.refusal(waiter.model, waiter);
    if (full) return waiter.refuse(full);
    this.#line.add(waiter);
    this.#alarm.ringBy(waiter.sinceMs + (waiter.maxWaitMs ?? this.#settings().queueWaitMs));
  }

  /** Has who waits take what is free. Who takes may cause a change: then the others are asked once more. */
  #serve(): void {
    this.#hasChanged = true;
    if (this.#isServing) return;
    this.#isServing = true;
    try {
      let endedCount = this.#line.size;
      while (this.#hasChanged && endedCount > 0) {
        this.#hasChanged = false;
        endedCount = this.#serveOnce();
      }
    } finally {
      this.#isServing = false;
    }
  }

  /**
   * Nobody is asked behind one of the same key that found nothing: many may wait, and a change is to cost little.
   *
   * @returns How many wait no more.
   */
  #serveOnce(): number {
    const nowMs = this.#clock.monotonic();
    const heldUp = new Set<string>();
    let endedCount = 0;
    for (const waiter of this.#line) {
      if (heldUp.size === this.#line.keyCount) break;
      if (heldUp.has(waiter.key)) continue;
      if (waiter.hasEnded(nowMs)) {
        this.#line.remove(waiter);
        endedCount++;
      } else heldUp.add(waiter.key);
    }
    return endedCount;
  }

  #refuseOverdue(): void {
    this.#serve();
    const { nextMs } = this.#line.refuseOverdue(this.#clock.monotonic(), this.#settings().queueWaitMs);
    this.#alarm.ringBy(nextMs);
  }
}

/** What a {@linkcode SlotWaiter} is made with. */
interface SlotWaiting extends Waiting {
  /** Takes a slot if there is one. @returns Whether it did. */
  readonly take: (nowMs: number) => boolean;
  readonly because: () => string;
}

/** A request that waits for a slot of a node. */
class SlotWaiter extends Waiter {
  readonly isHeldUp = true;
  readonly #take: SlotWaiting["take"];
  readonly #because: SlotWaiting["because"];

  constructor({ take, because, ...waiting }: SlotWaiting) {
    super(waiting);
    this.#take = take;
    this.#because = because;
  }

  queueMs(nowMs: number): number {
    return nowMs - this.sinceMs;
  }

  because(): string {
    return this.#because();
  }

  /** Lets it take a slot. @returns Whether its waiting is over: it has one, or was refused for what was thrown. */
  hasEnded(nowMs: number): boolean {
    try {
      return this.#take(nowMs);
    } catch (error) {
      this.refuse(error);
      return true;
    }
  }
}
