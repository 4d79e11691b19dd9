import { shuttingDown, waitedTooLong } from "./refusals.ts";
import type { Waiter } from "./waiter.ts";
import { WaitingLine } from "./waiting_line.ts";
import type { Urgency, WaitingRoom } from "./waiting_room.ts";

/** What became of those who may have waited for too long. */
export interface OverdueRefused {
  /** How many were refused. */
  readonly refusedCount: number;
  /** When the next one will have waited for too long, ms of the monotonic clock; `Infinity` if nobody will. */
  readonly nextMs: number;
}

/** Who wants to wait. */
export interface Entry extends Urgency {
  /** Whether a full room keeps it out; default true. */
  readonly isBounded?: boolean;
}

/**
 * Requests that wait in order, until they are served, refused, or left by their clients. Whom to serve is the owner's
 * to decide.
 */
export class RequestLine<W extends Waiter> implements Iterable<W> {
  readonly #line = new WaitingLine<W>();
  /** What listens at each one's signal. */
  readonly #leaves = new Map<W, () => void>();
  #isClosed = false;

  /** Nobody waits yet. @param room Where they wait. @param onLeft A client has left the line. */
  constructor(private readonly room: WaitingRoom, private readonly onLeft: () => void = () => {}) {}

  /** How many wait. */
  get size(): number {
    return this.#line.size;
  }

  /** How many different keys are waited for. */
  get keyCount(): number {
    return this.#line.keyCount;
  }

  /** Keys that are waited for, in the order of their best-ranked requests. */
  get keys(): readonly string[] {
    return [...new Set([...this.#line].map(({ key }) => key))];
  }

  /** How many wait for this key; costs nothing. */
  countOf(key: string): number {
    return this.#line.countOf(key);
  }

  /** Since when the oldest request for this key waits, ms of the monotonic clock; `Infinity` if none does. */
  oldestMs(key: string): number {
    let oldestMs = Infinity;
    for (const waiter of this.#line) if (waiter.key === key) oldestMs = Math.min(oldestMs, waiter.sinceMs);
    return oldestMs;
  }

  /** Whether nobody who waits for the same comes before it. */
  isFirst(waiter: W): boolean {
    return this.#line.isFirst(waiter);
  }

  /** The best of those that match. */
  find(matches: (waiter: W) => boolean): W | undefined {
    return this.#line.find(matches);
  }

  /** Those that wait when the loop begins, best first. Who is removed meanwhile is left out, who is added is not seen. */
  [Symbol.iterator](): Iterator<W> {
    return this.#line[Symbol.iterator]();
  }

  /** Why no request of this kind for this model may wait now, if so. */
  refusal(model: string, { isBounded = true, priority }: Entry = {}): Error | undefined {
    if (this.#isClosed) return shuttingDown();
    return isBounded ? this.room.refusal(model, { priority }) : undefined;
  }

  /** Lets it wait. It is refused with its signal's reason as soon as that aborts. */
  add(waiter: W): void {
    const leave = () => {
      this.#refuse(waiter, waiter.signal.reason);
      this.onLeft();
    };
    this.#line.add(waiter);
    this.room.enter(waiter);
    this.#leaves.set(waiter, leave);
    waiter.signal.addEventListener("abort", leave, { once: true });
  }

  /** Lets it wait no more: its turn has come. */
  remove(waiter: W): void {
    if (!this.#line.remove(waiter)) return;
    this.room.leave(waiter);
    waiter.signal.removeEventListener("abort", this.#leaves.get(waiter)!);
    this.#leaves.delete(waiter);
  }

  /** Refuses all who wait for this key. */
  refuse(key: string, reason: unknown): void {
    for (const waiter of this.#line) if (waiter.key === key) this.#refuse(waiter, reason);
  }

  /** Refuses who has waited for others for too long. @param queueWaitMs What holds for those who did not say how long, ms. */
  refuseOverdue(nowMs: number, queueWaitMs: number): OverdueRefused {
    let [refusedCount, nextMs] = [0, Infinity];
    for (const waiter of this.#line) {
      if (!waiter.isHeldUp) continue;
      const waitedMs = waiter.queueMs(nowMs);
      const dueMs = nowMs + (waiter.maxWaitMs ?? queueWaitMs) - waitedMs;
      if (dueMs > nowMs) {
        nextMs = Math.min(nextMs, dueMs);
        continue;
      }
      const isOwnLimit = waiter.maxWaitMs !== undefined;
      this.#refuse(
        waiter,
        waitedTooLong(waiter.model, { waitedMs, because: waiter.because(nowMs), isOwnLimit }),
      );
      refusedCount++;
    }
    return { refusedCount, nextMs };
  }

  /** Refuses all, from now on. */
  close(): void {
    this.#isClosed = true;
    for (const waiter of this.#line) this.#refuse(waiter, shuttingDown());
  }

  #refuse(waiter: W, reason: unknown): void {
    this.remove(waiter);
    waiter.refuse(reason);
  }
}
