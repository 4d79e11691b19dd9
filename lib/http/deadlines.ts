import { systemClock } from "../clock.ts";
import { Roster, type Rostered } from "./roster.ts";

/** A moment at which something is given up, unless it is removed before. */
export interface Deadline extends Rostered {
  /** On the monotonic clock. */
  readonly dueMs: number;
  /** Called once, when it is due. */
  readonly expire: () => void;
}

/**
 * Many deadlines on one timer. A timer of its own for each request costs twenty times what joining this roster
 * does, and nearly all deadlines are removed before they are due. The timer does not keep the process alive.
 */
export class Deadlines implements Disposable {
  readonly #pending = new Roster<Deadline>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wakeMs = Infinity;

  /** Calls `expire` once, after `afterMs`; it must not throw. `Infinity` is never. */
  add(afterMs: number, expire: () => void): Deadline {
    const deadline: Deadline = { dueMs: systemClock.monotonic() + afterMs, expire, rosterIndex: -1 };
    this.#pending.add(deadline);
    if (deadline.dueMs < this.#wakeMs) this.#wakeAt(deadline.dueMs);
    return deadline;
  }

  /** Forgets a deadline; harmless if it expired or was removed. */
  remove(deadline: Deadline | undefined): void {
    if (deadline) this.#pending.remove(deadline);
  }

  /** Forgets all of them. */
  [Symbol.dispose](): void {
    for (const deadline of this.#pending.toArray()) this.#pending.remove(deadline);
    this.#wakeAt(Infinity);
  }

  #wakeAt(dueMs: number): void {
    clearTimeout(this.#timer);
    this.#wakeMs = dueMs;
    if (dueMs === Infinity) return;
    const waitMs = Math.min(Math.max(0, Math.ceil(dueMs - systemClock.monotonic())), LONGEST_WAIT_MS);
    this.#timer = setTimeout(() => this.#wake(), waitMs).unref();
  }

  #wake(): void {
    const nowMs = systemClock.monotonic();
    const due = this.#pending.toArray().filter((deadline) => deadline.dueMs <= nowMs);
    for (const deadline of due) this.#pending.remove(deadline);
    let nextMs = Infinity;
    for (const { dueMs } of this.#pending.toArray()) nextMs = Math.min(nextMs, dueMs);
    this.#wakeAt(nextMs);
    for (const deadline of due) deadline.expire();
  }
}

/** Beyond 2³¹ − 1 ms a timer would fire at once. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;
