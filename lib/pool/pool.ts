import { type Clock, systemClock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import type { Logger } from "../log.ts";
import { shuttingDown } from "../queue/refusals.ts";
import { WaitingRoom } from "../queue/waiting_room.ts";
import { Alarm } from "../registry/alarm.ts";
import { untilAborted } from "../until_aborted.ts";
import { Allotment } from "./allotment.ts";
import { Caretaker, UNLOADED } from "./caretaker.ts";
import type { CoordinatorLife } from "./life.ts";
import type { CoordinatorLease, PoolDemand, Pooled, PoolSettings, PoolView, Wanted } from "./pooled.ts";
import type { PoolOptions } from "./pool_options.ts";
import { notFound } from "./refusals.ts";
import { RequestQueue, type Service } from "./request_queue.ts";
import type { Resident } from "./resident.ts";
import type { ResidentHost } from "./resident_host.ts";
import { viewOf } from "./resident_view.ts";
import { Residents } from "./residents.ts";

/** A coordinator's own stop, SIGKILL included, takes some 4 s at most. */
const STOP_DEADLINE_MS = 10_000;

/** What became of {@linkcode CoordinatorPool.unload}. */
export type Unloading = "unloaded" | "after use" | "not loaded";

/**
 * Owns all coordinators, and who may use them.
 *
 * What is to be done is decided in `#advance`, in one synchronous step each time that something has happened: a request
 * came, left or ended, a coordinator became ready, failed, died or was stopped, time has passed. So there is one load
 * for all who wait for a model, no more leases than slots, and none of a coordinator that is about to be stopped.
 *
 * Requests wait in one line, by priority and age. How models get room is {@linkcode Allotment}'s to say, and what one
 * does after a failure {@linkcode Resident}'s.
 */
export class CoordinatorPool<C extends Pooled> implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #queue: RequestQueue<C>;
  readonly #residents: Residents<C>;
  readonly #allotment: Allotment<C>;
  readonly #caretaker: Caretaker<C>;
  readonly #alarm: Alarm;
  #settings: PoolSettings;
  #isAdvancing = false;
  #isToAdvanceAgain = false;
  #isClosing = false;
  #closed: Promise<void> | undefined;
  readonly #allGone = Promise.withResolvers<void>();

  /** Starts nothing before somebody wants a model. */
  constructor(options: PoolOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger;
    this.#settings = options.settings;
    this.#alarm = new Alarm(this.#clock, () => this.#advance());
    const host = this.#hostOf(options);
    const room = options.room ?? new WaitingRoom(() => this.#settings.maxQueued);
    this.#queue = new RequestQueue<C>(host, { room, onLeft: () => this.#advance() });
    this.#residents = new Residents<C>(host, (key) => this.#queue.countOf(key) > 0);
    this.#caretaker = new Caretaker(this.#queue, host);
    this.#allotment = new Allotment(this.#residents, this.#queue, host);
  }

  /**
   * Waits for a slot of this model's coordinator, which is started, and others stopped for it, where needed. Refuses at
   * once, with the same error as before, where it has just failed, or died and cannot be placed since.
   *
   * @throws {GatewayError} `rate_limited` if too many wait already; `no_capacity` if others' work took too long, or all
   *   that would make room is pinned; `upstream_failed` if it failed too often; `shutting_down`; and whatever its
   *   preparation or start failed with.
   * @throws The signal's reason as soon as it aborts, whatever the phase.
   */
  acquire(wanted: Wanted<C>, demand: PoolDemand): Promise<CoordinatorLease<C>> {
    if (demand.signal.aborted) return Promise.reject(demand.signal.reason);
    const resident = this.#residents.get(wanted.key);
    if (resident?.state === "ready" && resident.life!.hasFreeSlot && this.#queue.countOf(wanted.key) === 0) {
      resident.wanted = wanted;
      return Promise.resolve(resident.life!.lease(demand.keepAliveMs, { queueMs: 0, loadMs: 0 }));
    }
    const refusal = resident?.refusal;
    if (refusal !== undefined && !this.#isClosing) return Promise.reject(refusal);
    return this.#enqueue(wanted, demand, {
      needsSlot: true,
      serve: (life, waited) => life.lease(demand.keepAliveMs, waited),
    });
  }

  /**
   * Loads a model, or keeps it loaded, without using a slot: for operators, and to have it ready before the first
   * request. Resolves when it is ready; it is kept as after a request. It is tried at once, however often it has failed,
   * and it is not unloaded any more if that was said while it was started.
   *
   * @throws Whatever {@linkcode acquire} does.
   */
  load(wanted: Wanted<C>, demand: PoolDemand): Promise<void> {
    if (demand.signal.aborted) return Promise.reject(demand.signal.reason);
    const resident = this.#residents.get(wanted.key);
    resident?.hurry();
    if (resident?.state !== "ready") {
      const serve = (life: CoordinatorLife<C>) => life.touch(demand.keepAliveMs);
      return this.#enqueue(wanted, demand, { needsSlot: false, serve });
    }
    resident.life!.touch(demand.keepAliveMs);
    this.#changed();
    return Promise.resolve();
  }

  /**
   * Stops a model's coordinator as soon as nothing is in flight; it takes nothing new meanwhile, and who waits causes a
   * new load. One that is being started is given up, but if requests wait for it, it is started and these are served
   * first: those that wait when this is called, none that come later.
   */
  unload(key: string): Unloading {
    const resident = this.#residents.get(key);
    if (!resident || resident.state === "stopped" || resident.state === "failed") return "not loaded";
    const isWaitedFor = this.#queue.countOf(key) > 0;
    const isInUse = resident.life ? !resident.life.isIdle : isWaitedFor;
    if (resident.life) resident.takeNothingNew({ kind: "for good", because: UNLOADED, startsAgain: false });
    else if (isWaitedFor) resident.lastCallMs = this.#clock.monotonic();
    else resident.cancel(UNLOADED);
    this.#changed();
    return isInUse ? "after use" : "unloaded";
  }

  /**
   * Stops a model's coordinator as soon as it is idle and starts it again, also one that has failed; earlier failures
   * are forgotten. Resolves when it is ready again.
   *
   * @throws {GatewayError} `not_found`, or whatever {@linkcode load} throws.
   * @throws The signal's reason; it is started again all the same.
   */
  restart(key: string, signal: AbortSignal): Promise<void> {
    const resident = this.#residents.get(key);
    if (!resident) return Promise.reject(notFound(key));
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.#isClosing) return Promise.reject(shuttingDown());
    resident.restarts.forgive();
    if (resident.life) {
      resident.takeNothingNew({ kind: "for good", because: "restarted on request", startsAgain: true });
    }
    return this.load(resident.wanted, { signal, keepAliveMs: resident.life?.keepAliveMs });
  }

  /** Takes other settings, from now on. Too many coordinators become fewer when the next one needs room. */
  apply(settings: PoolSettings): void {
    this.#settings = settings;
    this.#changed();
  }

  /** The coordinator that serves this model now, if one is ready. Advisory, for reports. */
  ready(key: string): C | undefined {
    const resident = this.#residents.get(key);
    return resident?.state === "ready" ? resident.life!.coordinator : undefined;
  }

  /** The same, also one that takes nothing new. */
  running(key: string): C | undefined {
    return this.#residents.get(key)?.life?.coordinator;
  }

  /** One snapshot, by id or by the model's key. */
  view(idOrKey: string): PoolView | undefined {
    const resident = this.#residents.find(idOrKey);
    return resident && this.#viewOf(resident);
  }

  /** Snapshots of all that are or were, those that run first. */
  views(): PoolView[] {
    const views = [...this.#residents].map((resident) => this.#viewOf(resident));
    return views.toSorted((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
  }

  /**
   * Refuses who waits, ends starts under way, and stops all coordinators at once; leases become void. Never rejects.
   *
   * A process that the kernel holds may not even die of SIGKILL: one that is not gone after 10 s is named in the log and
   * not waited for.
   */
  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  /** The same as {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#isClosing = true;
    this.#alarm[Symbol.dispose]();
    this.#queue.close();
    for (const resident of this.#residents) resident.end("the gateway is shutting down");
    this.#changed();
    using deadline = new Deadline(this.#clock, STOP_DEADLINE_MS);
    await Promise.race([this.#allGone.promise, untilAborted(deadline.signal)]);
    for (const { id, model, hasProcess, because } of this.#residents) {
      if (hasProcess) {
        this.#logger.error("coordinator not stopped", { id, model, because, waitedMs: STOP_DEADLINE_MS });
      }
    }
  }

  #enqueue<T>(wanted: Wanted<C>, demand: PoolDemand, service: Service<C, T>): Promise<T> {
    const entry = { isBounded: service.needsSlot, priority: demand.priority };
    const refusal = this.#queue.refusal(wanted.model, entry);
    if (refusal) return Promise.reject(refusal);
    const served = this.#queue.enqueue(this.#residents.ensure(wanted), demand, service);
    this.#advance();
    return served;
  }

  #hostOf({ logger, onEvent, mayRetry, chooseError, random }: PoolOptions): ResidentHost {
    return {
      clock: this.#clock,
      logger,
      settings: () => this.#settings,
      random: random ?? Math.random,
      mayRetry: mayRetry ?? (() => false),
      chooseError: chooseError ?? ((errors) => errors[0]),
      publish: onEvent ?? (() => {}),
      isAwaited: (key) => this.#queue.countOf(key) > 0,
      refuse: (key, reason) => this.#queue.refuse(key, reason),
      released: (key) => this.#released(key),
      changed: () => this.#changed(),
    };
  }

  /** Something has happened by which there may be room. */
  #changed(): void {
    this.#allotment.changed();
    this.#advance();
  }

  /** A lease was given back. Where nobody waits for it, nothing is to be decided: this is the way of every request. */
  #released(key: string): void {
    const resident = this.#residents.get(key)!;
    const { isIdle } = resident.life!;
    if (isIdle) this.#allotment.changed();
    const isAwaited = this.#queue.countOf(key) > 0 || (isIdle && this.#allotment.isSought);
    const { state, expiresAtMs } = resident;
    if (isAwaited || state !== "ready" || expiresAtMs <= this.#clock.monotonic()) this.#advance();
    else this.#alarm.ringBy(expiresAtMs);
  }

  /** The only place where anything is decided. What it calls may call it again: then it goes round once more. */
  #advance(): void {
    this.#isToAdvanceAgain = true;
    if (this.#isAdvancing) return;
    this.#isAdvancing = true;
    let nextMs = Infinity;
    try {
      while (this.#isToAdvanceAgain) {
        this.#isToAdvanceAgain = false;
        nextMs = this.#isClosing ? this.#finish() : this.#step(this.#clock.monotonic());
      }
    } finally {
      this.#isAdvancing = false;
    }
    this.#alarm.ringBy(nextMs);
  }

  /** @returns When it has to be done again though nothing happens, ms of the monotonic clock. */
  #step(nowMs: number): number {
    for (const resident of this.#residents) this.#caretaker.tend(resident, nowMs);
    const turnMs = this.#allotment.advance(nowMs);
    const overdue = this.#queue.refuseOverdue(nowMs, this.#settings.queueWaitMs);
    if (overdue.refusedCount > 0) this.#isToAdvanceAgain = true;
    const nextMs = [...this.#residents].map((resident) => this.#caretaker.nextMs(resident));
    return Math.min(turnMs, overdue.nextMs, ...nextMs);
  }

  #finish(): number {
    if (![...this.#residents].some(({ hasProcess }) => hasProcess)) this.#allGone.resolve();
    return Infinity;
  }

  #viewOf(resident: Resident<C>): PoolView {
    const waitingCount = this.#queue.countOf(resident.key);
    return viewOf(resident, { waitingCount, nowMs: this.#clock.monotonic() });
  }
}

/** Those that run come first. */
const ORDER: readonly PoolView["state"][] = ["ready", "draining", "starting", "failed", "stopped"];
