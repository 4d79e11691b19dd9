/** Share of the places that checks may take which are not known to be quick: the rest never wait for a black hole. */
const SLOW_SHARE = 0.75;

/** Which checks come first. */
export interface CheckPriority {
  /** Whether the item answered quickly the last time. */
  readonly isQuick: boolean;
  /** Whether somebody waits for it. */
  readonly isUrgent: boolean;
}

interface Check {
  readonly done: PromiseWithResolvers<void>;
  readonly cancelled: AbortController;
  priority: CheckPriority;
  isRunning: boolean;
}

/** Checks items: one check at a time for each, a bounded number together. */
export class CheckQueue<T> implements AsyncDisposable {
  readonly #checks = new Map<T, Check>();
  readonly #run: (item: T, signal: AbortSignal) => Promise<void>;
  readonly #limit: () => number;
  readonly #lanes = [new Set<T>(), new Set<T>(), new Set<T>(), new Set<T>()] as const;
  readonly #running = new Set<Promise<void>>();
  #slowRunningCount = 0;
  #isClosed = false;

  /**
   * Empty.
   *
   * @param run Makes one check; must not reject, and is to end soon when the signal aborts.
   * @param limit How many may run now; call {@linkcode advance} when it has grown.
   */
  constructor(run: (item: T, signal: AbortSignal) => Promise<void>, limit: () => number) {
    this.#run = run;
    this.#limit = limit;
  }

  /** How many checks run now. */
  get runningCount(): number {
    return this.#running.size;
  }

  /** Has an item checked, or joins the check that waits or runs. Resolves when that has ended or was cancelled. */
  ask(item: T, priority: CheckPriority): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    const known = this.#checks.get(item);
    const check = known ?? {
      done: Promise.withResolvers<void>(),
      cancelled: new AbortController(),
      priority,
      isRunning: false,
    };
    if (!known) this.#checks.set(item, check);
    if (!check.isRunning && (!known || priority.isUrgent)) this.#enqueue(item, check, priority);
    this.advance();
    return check.done.promise;
  }

  /** Drops what waits, and aborts what runs, for an item. */
  cancel(item: T): void {
    const check = this.#checks.get(item);
    if (!check) return;
    for (const lane of this.#lanes) lane.delete(item);
    this.#checks.delete(item);
    check.cancelled.abort();
    check.done.resolve();
  }

  /** Starts what there is place for. */
  advance(): void {
    while (!this.#isClosed && this.runningCount < this.#limit()) {
      const item = this.#takeNext();
      if (item === undefined) return;
      void this.#start(item, this.#checks.get(item)!);
    }
  }

  /** Cancels all, and waits until nothing runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const item of [...this.#checks.keys()]) this.cancel(item);
    await Promise.all(this.#running);
  }

  #enqueue(item: T, check: Check, priority: CheckPriority): void {
    for (const lane of this.#lanes) lane.delete(item);
    check.priority = priority;
    this.#lanes[(priority.isUrgent ? 0 : 2) + (priority.isQuick ? 0 : 1)]!.add(item);
  }

  #takeNext(): T | undefined {
    const mayBeSlow = this.#slowRunningCount < Math.max(1, Math.floor(this.#limit() * SLOW_SHARE));
    for (const [at, lane] of this.#lanes.entries()) {
      if (at % 2 === 1 && !mayBeSlow) continue;
      for (const item of lane) {
        lane.delete(item);
        return item;
      }
    }
    return undefined;
  }

  async #start(item: T, check: Check): Promise<void> {
    check.isRunning = true;
    const isSlow = !check.priority.isQuick;
    if (isSlow) this.#slowRunningCount++;
    const running = this.#run(item, check.cancelled.signal);
    this.#running.add(running);
    await running;
    this.#running.delete(running);
    if (isSlow) this.#slowRunningCount--;
    if (this.#checks.get(item) === check) this.#checks.delete(item);
    check.done.resolve();
    this.advance();
  }
}
