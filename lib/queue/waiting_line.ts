/** Who waits for a slot, and how urgently. None of it changes while it waits. */
export interface Ticket {
  /** Equal for those who wait for the same: the canonical key of a model. */
  readonly key: string;
  /** The higher the sooner; below 0 is work in the background. */
  readonly priority: number;
  /** Since when it waits, ms of the monotonic clock. */
  readonly sinceMs: number;
}

/** Whether it is work in the background, which comes after all others. Who names no priority is none. */
export function isBackground({ priority = 0 }: { readonly priority?: number | undefined }): boolean {
  return priority < 0;
}

/** Time after which who waits has caught up with newcomers of one priority more, ms. */
const AGING_MS = 5_000;

/** A ticket and its place in the order. */
interface Placed<T> {
  readonly ticket: T;
  readonly isBackground: boolean;
  readonly rank: number;
  /** Counts up; first come, first served among equals. */
  readonly turn: number;
}

/**
 * Who waits for a slot, best first.
 *
 * Each 5 s of waiting count like one priority more, so nobody starves: who waits with priority 0 is overtaken by
 * newcomers of priority 10 for 50 s, then no more. All age alike, hence the order never changes with time. Work in the
 * background ages among its own kind only: it comes after all others, however long it waits.
 */
export class WaitingLine<T extends Ticket> implements Iterable<T> {
  /** Sorted, the best first. */
  readonly #line: Placed<T>[] = [];
  readonly #waiting = new Map<T, Placed<T>>();
  readonly #countByKey = new Map<string, number>();
  #nextTurn = 0;

  /** How many wait. */
  get size(): number {
    return this.#line.length;
  }

  /** Lets it wait. One that waits already keeps its place. */
  add(ticket: T): void {
    if (this.#waiting.has(ticket)) return;
    const waiting = placed(ticket, this.#nextTurn++);
    this.#line.splice(this.#placeOf(waiting), 0, waiting);
    this.#waiting.set(ticket, waiting);
    this.#countByKey.set(ticket.key, this.countOf(ticket.key) + 1);
  }

  /** Lets it wait no more. @returns Whether it did. */
  remove(ticket: T): boolean {
    const waiting = this.#waiting.get(ticket);
    if (!waiting) return false;
    this.#line.splice(this.#placeOf(waiting), 1);
    this.#waiting.delete(ticket);
    const left = this.countOf(ticket.key) - 1;
    if (left > 0) this.#countByKey.set(ticket.key, left);
    else this.#countByKey.delete(ticket.key);
    return true;
  }

  /** How many wait for this key; costs nothing. */
  countOf(key: string): number {
    return this.#countByKey.get(key) ?? 0;
  }

  /** How many different keys are waited for; costs nothing. */
  get keyCount(): number {
    return this.#countByKey.size;
  }

  /** Whether nobody who waits for the same would come before this one, who does not wait yet. */
  isFirst(ticket: T): boolean {
    if (this.countOf(ticket.key) === 0) return true;
    const best = this.#line.find((waiting) => waiting.ticket.key === ticket.key)!;
    return isBefore(placed(ticket, this.#nextTurn), best);
  }

  /** The best of those that match. */
  find(matches: (ticket: T) => boolean): T | undefined {
    return this.#line.find(({ ticket }) => matches(ticket))?.ticket;
  }

  /** Those that wait when the loop begins, best first. Who is removed meanwhile is left out, who is added is not seen. */
  *[Symbol.iterator](): Generator<T, void> {
    for (const waiting of [...this.#line]) {
      if (this.#waiting.get(waiting.ticket) === waiting) yield waiting.ticket;
    }
  }

  /** Where it stands in the line, or is to be put. */
  #placeOf(waiting: Placed<T>): number {
    let [low, high] = [0, this.#line.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBefore(this.#line[middle]!, waiting)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function placed<T extends Ticket>(ticket: T, turn: number): Placed<T> {
  const rank = ticket.priority * AGING_MS - ticket.sinceMs;
  return { ticket, isBackground: isBackground(ticket), rank, turn };
}

function isBefore<T>(a: Placed<T>, b: Placed<T>): boolean {
  if (a.isBackground !== b.isBackground) return b.isBackground;
  return a.rank > b.rank || (a.rank === b.rank && a.turn < b.turn);
}
