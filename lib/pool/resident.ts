import { GatewayError, messageOf } from "../errors.ts";
import { FailureLog, reasonOfDeath } from "./failure_log.ts";
import { CoordinatorLife } from "./life.ts";
import { LoadWatch } from "./load_watch.ts";
import type { CoordinatorState, Place, Pooled, Wanted } from "./pooled.ts";
import type { ResidentHost } from "./resident_host.ts";
import { Restarts } from "./restarts.ts";
import { Standing } from "./standing.ts";
import { Start, type StartOptions } from "./start.ts";

/** A failed cold start is tried at once so often, each time without what it failed by. */
const MAX_ATTEMPTS = 4;

/** Why a coordinator takes nothing new, and what comes then. */
export interface Drain {
  /** To make room for another model, which may yet do without; or because it has to end in any case. */
  readonly kind: "for room" | "for good";
  /** A sentence. */
  readonly because: string;
  /** Whether it is started again then, though nobody waits for it. */
  readonly startsAgain?: boolean;
}

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
  /** Whether somebody wants it unloaded while requests wait for it: it ends as soon as nobody uses it. */
  isUnloadWanted = false;
  /** Why it died or could not start. */
  readonly failures: FailureLog;
  /** How often it was started again after a failure. */
  readonly restarts: Restarts;
  /** How long its loads took. */
  readonly loads: LoadWatch;
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
    this.loads = new LoadWatch(host.clock);
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
    if (this.isUnloadWanted) return this.#life!.usedMs;
    return this.isPinned ? Infinity : this.#life!.usedMs + this.#keepAliveMs(this.#life!);
  }

  /** Starts it from `stopped` or `failed`. @param keepMs For how long it goes on though nobody waits for it, ms. */
  begin(because: string, keepMs = -Infinity): void {
    this.isUnloadWanted = false;
    this.restarts.grant();
    this.#start = this.#newStart({ wantedUntilMs: this.host.clock.monotonic() + keepMs });
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
    const startsAgain = drain.startsAgain || this.#drain?.startsAgain || false;
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
    if (startsAgain) this.begin("is started again", this.#keepAliveMs(life));
    this.host.changed();
  }

  #newStart(options: Pick<StartOptions<C>, "wantedUntilMs" | "recovery">): Start<C> {
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

  #onReady({ recovery }: Start<C>, coordinator: C): void {
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
    if (recovery) {
      life.inherit(recovery.heritage);
      const tookMs = Math.round(life.readyMs - recovery.diedMs);
      this.#standing.publish({ type: "recovered", attempt: this.restarts.succeeded(), tookMs });
    }
    onceAborted(coordinator.dead, () => this.#onDeath(life));
    if (coordinator.leaving) onceAborted(coordinator.leaving, (because) => this.#onLeaving(life, because));
    this.host.changed();
  }

  #onLeaving(life: CoordinatorLife<C>, because: string): void {
    if (this.#life !== life) return;
    this.takeNothingNew({ kind: "for good", because });
    this.host.changed();
  }

  #onDeath(life: CoordinatorLife<C>): void {
    if (this.#life !== life || this.#isStopping) return; // its stop was our own doing
    this.failures.addDeath(life.coordinator);
    if (this.#drain) this.#stop(() => `died: ${reasonOfDeath(life.coordinator)}`);
    else void this.#recover(life);
    this.host.changed();
  }

  async #recover(life: CoordinatorLife<C>): Promise<void> {
    const { usedMs, coordinator } = life;
    const diedMs = this.host.clock.monotonic();
    const keepAliveMs = life.keepAliveMs;
    const start = this.#newStart({
      recovery: { diedMs, heritage: { usedMs, keepAliveMs } },
      wantedUntilMs: usedMs + this.#keepAliveMs(life),
    });
    life.end();
    this.#life = undefined;
    this.#start = start;
    const because = `died: ${reasonOfDeath(coordinator)}`;
    this.#standing.enter("starting", because);
    await start.clearAway(coordinator, because);
    if (start.cancelled.aborted) this.#endStart("stopped", messageOf(start.cancelled.reason));
    else this.#tryAgain(start, new Error(reasonOfDeath(coordinator)));
    this.host.changed();
  }

  #tryAgain(start: Start<C>, error: unknown): void {
    const retry = this.restarts.failed(error);
    if (retry instanceof GatewayError) return this.#giveUp(retry);
    const { attempt, retryInMs } = retry;
    const because = `failed: ${messageOf(error)}`;
    this.#standing.publish({ type: "recovering", because, attempt, inMs: retryInMs });
    if (retryInMs === 0) start.prepare();
    else start.backOff(this.host.clock.monotonic() + retryInMs, because);
  }

  #onFailed(start: Start<C>, error: unknown, hadProcess: boolean): void {
    if (start.cancelled.aborted) return this.#endStart("stopped", messageOf(start.cancelled.reason));
    this.failures.add(messageOf(error));
    if (start.recovery) return this.#tryAgain(start, error);
    start.errors.push(error);
    const mayRetry = hadProcess && start.errors.length < MAX_ATTEMPTS && this.host.mayRetry(error);
    if (!mayRetry) return this.#giveUp(this.host.chooseError(start.errors));
    this.host.logger.warn("coordinator start retried", { id: this.id, model: this.model, error });
    start.prepare();
  }

  #giveUp(error: unknown): void {
    this.#endStart("failed", messageOf(error));
    this.host.refuse(this.key, error);
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

/** Calls with the reason when the signal aborts; now, if it has. */
function onceAborted(signal: AbortSignal, call: (because: string) => void): void {
  if (signal.aborted) call(messageOf(signal.reason));
  else signal.addEventListener("abort", () => call(messageOf(signal.reason)), { once: true });
}
