import { type Clock, systemClock } from "../clock.ts";
import { GatewayError, messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";
import { formatDuration } from "../units.ts";
import type { CoordinatorLease, Switchable, Wanted } from "./switchable.ts";

/** Where a coordinator is in its life. */
export type CoordinatorState = "stopped" | "starting" | "ready" | "draining" | "failed";

/** A snapshot for people; decisions are made inside the switch. */
export interface SwitchView {
  /** Of the one coordinator that may run. */
  readonly state: CoordinatorState;
  /** Of its model; `undefined` while there is none. */
  readonly key: string | undefined;
  /** Leases that were not given back yet. */
  readonly inFlightCount: number;
  /** Requests that have no lease yet. */
  readonly waitingCount: number;
  /** Why the last coordinator died or could not start, in a sentence. */
  readonly lastFailure: string | undefined;
}

/** How {@linkcode CoordinatorSwitch} behaves. */
export interface SwitchOptions {
  /** Gets one line a change of state. */
  logger: Logger;
  /** Default: the host's. */
  clock?: Clock;
  /** For how long requests for the model that is loaded may overtake one that waits for another model, ms. */
  patienceMs?: number;
  /** For how long a request waits for others' work, ms; loading its own model does not count. */
  maxWaitMs?: number;
}

interface Waiter<C extends Switchable> {
  readonly wanted: Wanted<C>;
  readonly sinceMs: number;
  grant(lease: CoordinatorLease<C>): void;
  refuse(reason: unknown): void;
}

/** One life of one coordinator. Leases count against it, not against whatever is current by then. */
interface Generation<C extends Switchable> {
  readonly key: string;
  readonly startedMs: number;
  readyMs: number;
  coordinator: C | undefined;
  inFlightCount: number;
}

/**
 * Owns the one coordinator that may run, and who may use it.
 *
 * All its state changes in `#advance`, in one synchronous step: single flight per model, a load that is under
 * way is never cut short because a client left, and a coordinator is stopped for another model, or because it is
 * leaving, only when its last lease has been given back.
 */
export class CoordinatorSwitch<C extends Switchable> implements AsyncDisposable {
  #state: CoordinatorState = "stopped";
  #generation: Generation<C> | undefined;
  #waiters: Waiter<C>[] = [];
  #lastFailure: string | undefined;
  #transition: Promise<void> = Promise.resolve();
  readonly #closing = new AbortController();
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #patienceMs: number;
  readonly #maxWaitMs: number;

  /** Starts nothing before the first {@linkcode acquire}. */
  constructor({ logger, clock = systemClock, patienceMs = 2_000, maxWaitMs = 600_000 }: SwitchOptions) {
    this.#logger = logger;
    this.#clock = clock;
    this.#patienceMs = patienceMs;
    this.#maxWaitMs = maxWaitMs;
  }

  /** The state now. Advisory: it may have changed before the caller acts on it. */
  get view(): SwitchView {
    return {
      state: this.#state,
      key: this.#generation?.key,
      inFlightCount: this.#generation?.inFlightCount ?? 0,
      waitingCount: this.#waiters.length,
      lastFailure: this.#lastFailure,
    };
  }

  /** The coordinator that serves now, if one is ready. Advisory, for reports. */
  get ready(): C | undefined {
    return this.#state === "ready" ? this.#generation?.coordinator : undefined;
  }

  /**
   * Waits for a coordinator of this model, starting or swapping where needed.
   *
   * @throws The signal's reason as soon as it aborts, whatever the phase; `shutting_down` once the switch
   *   closes; whatever `wanted.start` rejected with.
   */
  acquire(wanted: Wanted<C>, { signal }: { signal: AbortSignal }): Promise<CoordinatorLease<C>> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.#closing.signal.aborted) return Promise.reject(this.#closing.signal.reason);
    const { promise, resolve, reject } = Promise.withResolvers<CoordinatorLease<C>>();
    const settled = new AbortController();
    const leave = (reason: unknown): void => {
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
      waiter.refuse(reason);
      this.#advance(); // whoever waited behind it may be next
    };
    const waiter: Waiter<C> = {
      wanted,
      sinceMs: this.#clock.monotonic(),
      grant: (lease) => {
        settled.abort();
        resolve(lease);
      },
      refuse: (reason) => {
        settled.abort();
        reject(reason);
      },
    };
    this.#waiters.push(waiter);
    this.#advance();
    if (!settled.signal.aborted) {
      signal.addEventListener("abort", () => leave(signal.reason), { signal: settled.signal });
      void this.#limitWait(waiter, settled.signal, leave);
    }
    return promise;
  }

  /** Lets go who waited too long for others; a load of its own model under way is waited for. */
  async #limitWait(waiter: Waiter<C>, settled: AbortSignal, leave: (reason: unknown) => void): Promise<void> {
    try {
      await this.#clock.sleep(this.#maxWaitMs, { signal: settled });
    } catch {
      return; // granted or refused in time
    }
    if (this.#state === "starting" && this.#generation?.key === waiter.wanted.key) return;
    const message = `Waited ${formatDuration(this.#maxWaitMs)} for another model's requests to end; ` +
      `try again later, or raise limits.queue_wait`;
    leave(new GatewayError("no_capacity", message));
  }

  /** Refuses who waits, ends a load under way, stops the coordinator. Leases still held become worthless. */
  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) {
      this.#closing.abort(
        new GatewayError("shutting_down", "The gateway is shutting down; try again in a moment"),
      );
      this.#refuseAll(() => true, this.#closing.signal.reason);
      if (this.#state === "ready") this.#stop("shutdown");
    }
    while (this.#state === "starting" || this.#state === "draining") await this.#transition;
  }

  /** The same as {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The only place where the state moves on: from what is, to what the waiters need. */
  #advance(): void {
    if (this.#closing.signal.aborted) return;
    if (this.#state === "ready") {
      const leaving = this.#generation!.coordinator!.leaving;
      if (!leaving?.aborted) this.#grantWaiting();
      const next = this.#waiters[0];
      const isIdle = this.#generation!.inFlightCount === 0;
      if (leaving?.aborted && isIdle) this.#stop(messageOf(leaving.reason));
      else if (next && next.wanted.key !== this.#generation!.key && isIdle) {
        this.#stop(`"${next.wanted.key}" is wanted`);
      }
    } else if (this.#state === "stopped" || this.#state === "failed") {
      const next = this.#waiters[0];
      if (next) this.#start(next.wanted);
    }
  }

  /** Serves who wants the current model, unless that would keep another model waiting beyond patience. */
  #grantWaiting(): void {
    const { key } = this.#generation!;
    const stranger = this.#waiters.findIndex((waiter) => waiter.wanted.key !== key);
    const isOutOfPatience = stranger >= 0 &&
      this.#clock.monotonic() - this.#waiters[stranger]!.sinceMs > this.#patienceMs;
    const mayGo = (waiter: Waiter<C>, index: number): boolean =>
      waiter.wanted.key === key && (!isOutOfPatience || index < stranger);
    const granted = this.#waiters.filter(mayGo);
    this.#waiters = this.#waiters.filter((waiter, index) => !mayGo(waiter, index));
    for (const waiter of granted) waiter.grant(this.#lease(waiter.sinceMs));
  }

  #lease(sinceMs: number): CoordinatorLease<C> {
    const generation = this.#generation!;
    const nowMs = this.#clock.monotonic();
    const loadMs = Math.max(0, generation.readyMs - Math.max(sinceMs, generation.startedMs));
    generation.inFlightCount++;
    let isHeld = true;
    return {
      coordinator: generation.coordinator!,
      loadMs,
      queueMs: Math.max(0, nowMs - sinceMs - loadMs),
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        generation.inFlightCount--;
        if (generation === this.#generation) this.#advance();
      },
    };
  }

  #start(wanted: Wanted<C>): void {
    const generation: Generation<C> = {
      key: wanted.key,
      startedMs: this.#clock.monotonic(),
      readyMs: 0,
      coordinator: undefined,
      inFlightCount: 0,
    };
    this.#generation = generation;
    this.#enter("starting");
    this.#transition = wanted.start(this.#closing.signal).then(
      (coordinator) => this.#started(generation, coordinator),
      (error) => this.#startFailed(generation, error),
    );
  }

  #started(generation: Generation<C>, coordinator: C): void {
    generation.coordinator = coordinator;
    generation.readyMs = this.#clock.monotonic();
    this.#enter("ready", { loadMs: Math.round(generation.readyMs - generation.startedMs) });
    if (this.#closing.signal.aborted) return this.#stop("shutdown");
    const died = (): void => {
      if (generation !== this.#generation || this.#state !== "ready") return; // its stop was our own doing
      const { gone } = coordinator;
      const learn = (): void => void (this.#lastFailure = messageOf(gone.reason));
      if (gone.aborted) learn();
      else gone.addEventListener("abort", learn, { once: true });
      this.#stop("it died");
    };
    if (coordinator.dead.aborted) {
      // Starting it once more for the same waiters could go on for ever.
      const why = coordinator.gone.aborted ? `: ${messageOf(coordinator.gone.reason)}` : "";
      const error = new GatewayError("upstream_failed", `The coordinator died as soon as it was ready${why}`);
      this.#refuseAll((waiter) => waiter.wanted.key === generation.key, error);
      return died();
    }
    coordinator.dead.addEventListener("abort", died, { once: true });
    coordinator.leaving?.addEventListener("abort", () => {
      if (generation === this.#generation) this.#advance();
    }, { once: true });
    this.#advance();
  }

  #startFailed(generation: Generation<C>, error: unknown): void {
    this.#lastFailure = messageOf(error);
    this.#generation = undefined;
    this.#enter("failed", { key: generation.key, reason: this.#lastFailure });
    this.#refuseAll((waiter) => waiter.wanted.key === generation.key, error);
    this.#advance();
  }

  /** Leaves `ready`: no lease is granted any more, what is left of the process is cleared away. */
  #stop(reason: string): void {
    const { coordinator } = this.#generation!;
    this.#enter("draining", { reason });
    this.#transition = coordinator!.stop().then(() => {
      this.#generation = undefined;
      this.#enter("stopped");
      this.#advance();
    });
  }

  #refuseAll(which: (waiter: Waiter<C>) => boolean, reason: unknown): void {
    const refused = this.#waiters.filter(which);
    this.#waiters = this.#waiters.filter((waiter) => !which(waiter));
    for (const waiter of refused) waiter.refuse(reason);
  }

  #enter(state: CoordinatorState, fields: Record<string, unknown> = {}): void {
    this.#state = state;
    const level = state === "failed" ? "warn" : "info";
    this.#logger[level]("coordinator state", { state, key: this.#generation?.key, ...fields });
  }
}
