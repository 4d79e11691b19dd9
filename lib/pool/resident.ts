import { messageOf } from "../errors.ts";
import type { Drain } from "./drain.ts";
import { FailureLog, reasonOfDeath } from "./failure_log.ts";
import { CoordinatorLife } from "./life.ts";
import type { CoordinatorState, Place, Pooled, Wanted } from "./pooled.ts";
import type { ResidentHost } from "./resident_host.ts";
import { Restarts, type Verdict } from "./restarts.ts";
import { Standing } from "./standing.ts";
import { enduringUntil, Start, type StartOptions } from "./start.ts";
import { Stopwatch } from "./stopwatch.ts";

/**
 * One model's coordinator, over all its lives. What it does is the pool's to decide, in one synchronous step each time
 * that something has changed; by itself it only goes through with what was begun, and answers its own failures.
 */
export class Resident<C extends Pooled> {
  /** Canonical key of its model. */
  readonly key: string;
  /** Name of its model, as it was asked for first. */
  readonly model: string;
  /** Its model, as it was asked for last. */
  wanted: Wanted<C>;
  /** It is to be unloaded once the requests were served that came until then, ms of the monotonic clock, and no others. */
  lastCallMs: number = Infinity;
  /** Why it died or could not start. */
  readonly failures: FailureLog;
  /** How often it was started again after a failure. */
  readonly restarts: Restarts;
  /** How long its loads took. */
  readonly loads: Stopwatch;
  #start: Start<C> | undefined;
  #life: CoordinatorLife<C> | undefined;
  #drain: Drain | undefined;
  #isStopping = false;
  #endpoints: readonly string[] = [];
  readonly #standing: Standing;

  /** It is stopped. @param id Names it in URLs and logs. */
  constructor(readonly id: string, wanted: Wanted<C>, private readonly host: ResidentHost) {
    this.key = wanted.key;
    this.model = wanted.model;
    this.wanted = wanted;
    this.failures = new FailureLog(host.clock);
    this.loads = new Stopwatch(host.clock);
    this.restarts = new Restarts(this.model, host);
    this.#standing = new Standing({ id, model: this.model }, host);
  }

  /** Where it is in its life. */
  get state(): CoordinatorState {
    return this.#standing.state;
  }

  /** Why it came to be in that state, a sentence. */
  get because(): string {
    return this.#standing.because;
  }

  /** While it is `starting`. */
  get start(): Start<C> | undefined {
    return this.#start;
  }

  /** While it is `ready` or `draining`. */
  get life(): CoordinatorLife<C> | undefined {
    return this.#life;
  }

  /** While it is `draining`, until it is being stopped. */
  get drain(): Drain | undefined {
    return this.#isStopping ? undefined : this.#drain;
  }

  /** Whether its process is being stopped. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Whether there is a process, or what is left of one. */
  get hasProcess(): boolean {
    return this.#life !== undefined || (this.#start?.hasProcess ?? false);
  }

  /** The rpc backends that it holds. */
  get endpoints(): readonly string[] {
    return this.hasProcess ? this.#endpoints : [];
  }

  /** Whether it is never stopped for others, nor for being idle. */
  get isPinned(): boolean {
    return this.host.settings().pinnedKeys.has(this.key);
  }

  /** When it is to be stopped for being idle, ms of the monotonic clock; `Infinity` for never, or while it is not idle. */
  get expiresAtMs(): number {
    if (this.state !== "ready" || !this.#life!.isIdle) return Infinity;
    return this.isPinned ? Infinity : this.#life!.usedMs + this.#keepAliveMs(this.#life!);
  }

  /** What a request is refused with at once, if so. An operator's wish is not. */
  get refusal(): unknown {
    if (!this.#start) return this.restarts.refusal;
    const { refusesFromMs, unplaceable } = this.#start;
    return refusesFromMs <= this.host.clock.monotonic() ? unplaceable : undefined;
  }

  /** An operator wants it: nothing that was said or has failed before keeps it from being loaded. */
  hurry(): void {
    this.lastCallMs = Infinity;
    this.#start?.hurry();
  }

  /** Starts it from `stopped` or `failed`: cold, unless it is to take something over. */
  begin(
    because: string,
    { endurance, heritage }: Pick<StartOptions<C>, "endurance" | "heritage"> = {},
  ): void {
    this.lastCallMs = Infinity;
    this.restarts.grant();
    this.#start = this.#newStart({ endurance, heritage });
    this.#standing.enter("starting", because);
    this.#start.prepare();
  }

  /** Starts the process of what was prepared. */
  load(place: Place<C>): void {
    this.#endpoints = place.endpoints;
    this.loads.begin();
    this.#start!.load(place);
  }

  /** Ends a start. What has a process is waited for; the state is another only then. */
  cancel(because: string): void {
    const start = this.#start;
    start?.cancel(because);
    if (start && !start.hasProcess) this.#endStart("stopped", because);
  }

  /** Takes nothing new from now on; the pool stops it when it is idle. */
  takeNothingNew(drain: Drain): void {
    const startsAgain = drain.startsAgain ?? this.#drain?.startsAgain ?? false;
    this.#drain = { ...drain, startsAgain };
    if (!this.#isStopping) this.#standing.enter("draining", drain.because);
  }

  /** It need not make room any more. */
  stay(): void {
    this.#drain = undefined;
    this.#standing.enter("ready", "need not make room any more");
  }

  /** Stops it, for another model is to have its place. */
  evict(forModel: string, because: string): void {
    this.#standing.publish({ type: "evicted", forModel, because });
    if (this.#drain) this.#drain = { ...this.#drain, startsAgain: false };
    this.stop(`makes room for "${forModel}": ${because}`);
  }

  /** Stops the process. Leases that are still out are void. */
  stop(because: string): void {
    this.#stop(() => because);
  }

  /** Ends it now and for good, whatever it does. */
  end(because: string): void {
    this.#drain = undefined;
    if (this.#life) this.stop(because);
    else this.cancel(because);
  }

  /** @param because May know more when nothing is left. */
  #stop(because: () => string): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    if (this.state !== "draining") this.#standing.enter("draining", because());
    this.#life!.end();
    void this.#clearAway(this.#life!, because);
  }

  async #clearAway(life: CoordinatorLife<C>, because: () => string): Promise<void> {
    await life.coordinator.stop();
    const startsAgain = this.#drain?.startsAgain;
    this.#life = this.#drain = undefined;
    this.#isStopping = false;
    this.#standing.enter("stopped", because());
    if (startsAgain) {
      const heritage = { usedMs: life.usedMs, keepAliveMs: life.keepAliveMs };
      const endurance = enduringUntil(life.usedMs + this.#keepAliveMs(life), this.host.clock.monotonic());
      this.begin("is started again", { endurance, heritage });
    }
    this.host.changed();
  }

  #newStart(options: Pick<StartOptions<C>, "endurance" | "heritage" | "recovery">): Start<C> {
    const start: Start<C> = new Start<C>({
      ...options,
      wanted: this.wanted,
      onPhase: (phase, because) => {
        this.loads.run(phase === "preparing" || phase === "loading");
        this.#standing.publish({ type: "phase", phase, because });
      },
      onProgress: (progress) => this.#standing.publish({ type: "loading", ...progress }),
      onPrepared: () => this.host.changed(),
      onReady: (coordinator) => this.#onReady(start, coordinator),
      onFailed: (error, hadProcess) => {
        this.#onFailed(start, error, hadProcess);
        this.host.changed();
      },
    });
    return start;
  }

  #onReady({ recovery, heritage }: Start<C>, coordinator: C): void {
    const loadMs = this.loads.end();
    const life = new CoordinatorLife(coordinator, {
      clock: this.host.clock,
      loadMs,
      onReleased: () => this.host.released(this.key),
      onServed: () => this.restarts.forgive(),
    });
    this.#life = life;
    this.#endpoints = coordinator.endpoints;
    this.#endStart("ready", "is loaded", { loadMs });
    if (heritage) life.inherit(heritage);
    if (recovery) {
      const tookMs = Math.round(life.readyMs - recovery.diedMs);
      this.#standing.publish({ type: "recovered", attempt: this.restarts.succeeded(), tookMs });
    }
    life.watch({
      onDeath: () => this.#onDeath(life),
      onLeaving: (because) => {
        this.takeNothingNew({ kind: "for good", because, startsAgain: true });
        this.host.changed();
      },
    });
    this.host.changed();
  }

  #onDeath(life: CoordinatorLife<C>): void {
    this.failures.addDeath(life.coordinator);
    if (this.#drain) this.#stop(() => `died: ${reasonOfDeath(life.coordinator)}`);
    else void this.#recover(life);
    this.host.changed();
  }

  async #recover(life: CoordinatorLife<C>): Promise<void> {
    const { usedMs, keepAliveMs, wasUsed, coordinator } = life;
    const diedMs = this.host.clock.monotonic();
    const start = this.#newStart({
      recovery: { diedMs },
      heritage: { usedMs, keepAliveMs },
      endurance: enduringUntil(usedMs + this.#keepAliveMs(life), diedMs),
    });
    life.end();
    this.#life = undefined;
    this.#start = start;
    const because = `died: ${reasonOfDeath(coordinator)}`;
    this.#standing.enter("starting", because);
    await start.clearAway(coordinator, because);
    if (start.cancelled.aborted) this.#endStart("stopped", messageOf(start.cancelled.reason));
    else {
      const error = new Error(reasonOfDeath(coordinator));
      this.#follow(
        this.restarts.died(error, { wasUsed, isAwaited: this.host.isAwaited(this.key) }),
        start,
        error,
      );
    }
    this.host.changed();
  }

  #onFailed(start: Start<C>, error: unknown, hadProcess: boolean): void {
    if (start.cancelled.aborted) return this.#endStart("stopped", messageOf(start.cancelled.reason));
    const verdict = this.restarts.startFailed(start, error, hadProcess);
    if (verdict.kind !== "wait for a place") this.failures.add(messageOf(error));
    this.#follow(verdict, start, error);
  }

  #follow(verdict: Verdict, start: Start<C>, error: unknown): void {
    const { id, model, host: { clock, logger } } = this;
    const because = `failed: ${messageOf(error)}`;
    switch (verdict.kind) {
      case "elsewhere":
        logger.warn("coordinator start retried", { id, model, error });
        return start.prepare();
      case "again": {
        const { attempt, retryInMs } = verdict;
        logger.warn("coordinator started again", { id, model, because, attempt, inMs: retryInMs });
        this.#standing.publish({ type: "recovering", because, attempt, inMs: retryInMs });
        return retryInMs === 0 ? start.prepare() : start.backOff(clock.monotonic() + retryInMs, because);
      }
      case "wait for a place":
        if (!start.unplaceable) logger.warn("coordinator cannot be placed", { id, model, error });
        return start.waitForPlace(error, clock.monotonic());
      case "give up":
        this.#endStart("failed", messageOf(verdict.error));
        return this.host.refuse(this.key, verdict.error);
    }
  }

  #endStart(state: CoordinatorState, because: string, more: { loadMs?: number } = {}): void {
    this.#start = undefined;
    this.loads.run(false);
    this.#standing.enter(state, because, more);
  }

  #keepAliveMs(life: CoordinatorLife<C>): number {
    return life.keepAliveMs ?? this.host.settings().idleTtlMs;
  }
}
