import type { CoordinatorLife, Waited } from "./life.ts";
import type { PoolDemand, Pooled } from "./pooled.ts";
import { QueuedRequest } from "./queued_request.ts";
import { queueIsFull, shuttingDown, waitedTooLong } from "./refusals.ts";
import type { Resident } from "./resident.ts";
import type { ResidentHost } from "./resident_host.ts";
import { becauseOf } from "./sentences.ts";
import { WaitingLine } from "./waiting_line.ts";

/** What a request gets when its turn has come. */
export interface Service<C extends Pooled, T> {
  /** Whether it uses a slot; if not, it only wants the model loaded. */
  readonly needsSlot: boolean;
  /** Takes what it wants. */
  serve(life: CoordinatorLife<C>, waited: Waited): T;
}

/** Requests that wait, of all models together, until they are served, refused, or left by their clients. */
export class RequestQueue<C extends Pooled> {
  readonly #line = new WaitingLine<QueuedRequest<C>>();
  #isClosed = false;

  /** Nobody waits yet. @param onLeft A client has left the line. */
  constructor(private readonly host: ResidentHost, private readonly onLeft: () => void) {}

  /** How many wait for this model. */
  countOf(key: string): number {
    return this.#line.countOf(key);
  }

  /** Models that are waited for, in the order of their best-ranked requests. */
  get keys(): readonly string[] {
    return [...new Set([...this.#line].map(({ key }) => key))];
  }

  /** Since when the oldest request for this model waits, ms of the monotonic clock; `Infinity` if none does. */
  oldestMs(key: string): number {
    let oldestMs = Infinity;
    for (const request of this.#line) if (request.key === key) oldestMs = Math.min(oldestMs, request.sinceMs);
    return oldestMs;
  }

  /** Why no request for this model may wait now, if so. One that uses no slot is an operator's, and always may. */
  refusal(model: string, { needsSlot }: Pick<Service<C, unknown>, "needsSlot">): Error | undefined {
    if (this.#isClosed) return shuttingDown();
    const { maxQueued } = this.host.settings();
    return needsSlot && this.#line.size >= maxQueued ? queueIsFull(model, maxQueued) : undefined;
  }

  /** Lets a request wait. @throws The reason of the refusal; the signal's, as soon as that aborts. */
  add<T>(resident: Resident<C>, demand: PoolDemand, { needsSlot, serve }: Service<C, T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const request: QueuedRequest<C> = new QueuedRequest<C>({
      key: resident.key,
      demand,
      sinceMs: this.host.clock.monotonic(),
      loadClockMs: resident.loads.totalMs,
      needsSlot,
      serve: (life, waited) => resolve(serve(life, waited)),
      refuse: reject,
      onLeft: () => {
        this.#line.remove(request);
        this.onLeft();
      },
    });
    this.#line.add(request);
    return promise;
  }

  /** Serves who waits for this model, the best first, as far as there are slots and its last call has not passed. */
  serve({ key, loads, lastCallMs }: Resident<C>, life: CoordinatorLife<C>, nowMs: number): void {
    const isServable = (request: QueuedRequest<C>) =>
      request.key === key && request.sinceMs <= lastCallMs && (life.hasFreeSlot || !request.needsSlot);
    while (this.countOf(key) > 0) {
      const request = this.#line.find(isServable);
      if (!request) return;
      this.#line.remove(request);
      request.serve(life, nowMs, loads.totalMs);
    }
  }

  /** Refuses all who wait for this model. */
  refuse(key: string, reason: unknown): void {
    for (const request of this.#line) if (request.key === key) this.#refuse(request, reason);
  }

  /**
   * Refuses who has waited for others for too long; who waits for its own model to load may wait for that.
   *
   * @returns How many, and when the next one will have waited for too long, ms of the monotonic clock.
   */
  refuseOverdue(
    residentOf: (key: string) => Resident<C>,
    nowMs: number,
  ): { refusedCount: number; nextMs: number } {
    let [refusedCount, nextMs] = [0, Infinity];
    for (const request of this.#line) {
      const resident = residentOf(request.key);
      if (resident.loads.isRunning) continue;
      const queueMs = request.queueMs(nowMs, resident.loads.totalMs);
      const dueMs = nowMs + (request.maxWaitMs ?? this.host.settings().queueWaitMs) - queueMs;
      if (dueMs > nowMs) {
        nextMs = Math.min(nextMs, dueMs);
        continue;
      }
      this.#refuse(
        request,
        waitedTooLong(resident.model, {
          waitedMs: queueMs,
          because: becauseOf(resident, nowMs),
          isOwnLimit: request.maxWaitMs !== undefined,
        }),
      );
      refusedCount++;
    }
    return { refusedCount, nextMs };
  }

  /** Refuses all, from now on. */
  close(): void {
    this.#isClosed = true;
    for (const request of this.#line) this.#refuse(request, shuttingDown());
  }

  #refuse(request: QueuedRequest<C>, reason: unknown): void {
    this.#line.remove(request);
    request.refuse(reason);
  }
}
