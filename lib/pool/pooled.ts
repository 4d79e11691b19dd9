import type { WaitDemand } from "../queue/waiter.ts";

/** A coordinator, as the pool sees it. */
export interface Pooled {
  /** Aborts at the moment that the process exits. */
  readonly dead: AbortSignal;
  /** Aborts soon after {@linkcode dead}, when it is known why; the reason says it. */
  readonly gone: AbortSignal;
  /** Aborts when it is to end as soon as it is idle, and to take nothing new; the reason says why. */
  readonly leaving?: AbortSignal | undefined;
  /** Requests that it computes at once; those beyond wait in the pool. */
  readonly slotCount: number;
  /** `host:port` of the rpc backends that nobody else can use while it runs. */
  readonly endpoints: readonly string[];
  /** Stops the process; resolves when nothing of it is left. Must not reject. */
  stop(): Promise<void>;
}

/** How far a load has come. */
export interface LoadProgress {
  /** What the coordinator does now, in the order in which it does it. */
  readonly stage: "connecting" | "loading" | "warming up";
  /** Bytes of weights that have reached the rpc backends, where the kernel tells. */
  readonly sentBytes?: number | undefined;
  /** Of so many, as planned. */
  readonly totalBytes?: number | undefined;
}

/** A model that somebody wants served, and the way to a coordinator for it. */
export interface Wanted<C extends Pooled> {
  /** Canonical key of the model; equal keys share a coordinator. */
  readonly key: string;
  /** Its name, for people. */
  readonly model: string;
  /**
   * Finds out what a decision needs: reads the model's file, has the rpc backends asked. Called again before each try
   * to place it, for what it finds out is soon out of date.
   *
   * @throws {GatewayError} If the model cannot be used. The signal's reason; it aborts when nobody wants the model any
   *   more, never because one client left.
   */
  prepare(signal: AbortSignal): Promise<Prospect<C>>;
}

/** A model that is ready to be placed. What its methods say holds for the moment in which they are called. */
export interface Prospect<C extends Pooled> {
  /**
   * Plans over the rpc backends that are free now and takes those that the plan uses, in one synchronous step.
   *
   * @returns `undefined` if it fits only on what other coordinators of ours hold now.
   * @throws {GatewayError} If it would not fit even if all of them were stopped.
   */
  place(): Place<C> | undefined;
  /** Whether it would fit if these rpc backends, `host:port` each, were free as well. */
  fitsWith(freed: ReadonlySet<string>): boolean;
}

/** Rpc backends that were taken for a coordinator. Disposal gives them back if it was not started; later it does nothing. */
export interface Place<C extends Pooled> extends Disposable {
  /** What it will hold. */
  readonly endpoints: readonly string[];
  /** Why there, in a sentence. */
  readonly because: string;
  /**
   * Starts the coordinator. From here on the backends are the start's to give back, when it failed, or when the process
   * is gone. Called once.
   *
   * @param onProgress Hears how far it is. Must not throw.
   * @throws {GatewayError} With what to do. The signal's reason; nothing is left running then.
   */
  start(signal: AbortSignal, onProgress: (progress: LoadProgress) => void): Promise<C>;
}

/** The right to use one slot of a coordinator; while it lasts, the coordinator is not stopped for another model. */
export interface CoordinatorLease<C extends Pooled> extends Disposable {
  /** It may die while it is leased; `gone` tells. */
  readonly coordinator: C;
  /** Time spent waiting for others' work, ms. */
  readonly queueMs: number;
  /** Time spent waiting for this model to load, ms; 0 if it was ready. */
  readonly loadMs: number;
  /** The request was answered whole: the coordinator is sound, and how often it failed before counts no more. */
  reportServed(): void;
}

/** What one request asks of the pool; waiting for its own model to load does not count as waiting. */
export interface PoolDemand extends WaitDemand {
  /** For how long the coordinator is to stay once it is idle after this request, ms; see `parseKeepAlive`. Default: the settings'. */
  readonly keepAliveMs?: number | undefined;
  /**
   * Whether somebody else would serve it now. Then it is refused as soon as it is known that a coordinator that was
   * running cannot be placed any more, where others wait a while for its rpc backends to return. Asked only then; must not
   * throw.
   */
  readonly mayGoElsewhere?: (() => boolean) | undefined;
}

/** What the operator wants of the pool; may change while it runs. */
export interface PoolSettings {
  /** Most coordinators at once. */
  readonly maxCoordinators: number;
  /** For how long an idle one stays, ms; `Infinity` for ever. */
  readonly idleTtlMs: number;
  /** For how long one that has become ready is not stopped for another model, ms. */
  readonly minResidencyMs: number;
  /** For how long requests for a loaded model may overtake one that waits for its place, ms; never less than the load took. */
  readonly swapWaitMs: number;
  /**
   * So often one that dies, or whose restart fails, is started again within {@linkcode restartWindowMs}; then it is given
   * up. Each whole answer proves it sound and forgets what was before, so only failures in a row count, without an answer
   * in between. That there is no place for it now, which starts no process, does not count.
   */
  readonly maxRestarts: number;
  /** See {@linkcode maxRestarts}, ms. */
  readonly restartWindowMs: number;
  /** Requests that may wait at once, of all models together, where the pool has a room of its own. */
  readonly maxQueued: number;
  /** For how long a request waits for others' work, ms. */
  readonly queueWaitMs: number;
  /** Canonical keys of models that are never stopped for others, nor because they are idle. */
  readonly pinnedKeys: ReadonlySet<string>;
}

/** Where a coordinator is in its life. */
export type CoordinatorState = "stopped" | "starting" | "ready" | "draining" | "failed";

/** What a coordinator that is `starting` does: its file is read; others have to make room; its process loads; it waits to be tried again. */
export type StartPhase = "preparing" | "waiting for room" | "loading" | "backing off";

/** A snapshot of one model's coordinator, for people; decisions are made inside the pool. */
export interface PoolView {
  /** Names it in URLs and logs, such as `c1`; the same over all its restarts. */
  readonly id: string;
  /** Canonical key of its model. */
  readonly key: string;
  /** Name of its model. */
  readonly model: string;
  /** Where it is in its life. */
  readonly state: CoordinatorState;
  /** While it is `starting`. */
  readonly phase: StartPhase | undefined;
  /** Why it is in that state, one sentence. */
  readonly because: string;
  /** While it loads. */
  readonly progress: LoadProgress | undefined;
  /** Slots that are in use. */
  readonly inFlightCount: number;
  /** Slots that there are; `undefined` unless it is ready or draining. */
  readonly slotCount: number | undefined;
  /** Requests for it that have no slot yet. */
  readonly waitingCount: number;
  /** The rpc backends that it holds. */
  readonly endpoints: readonly string[];
  /** How long its last load took, ms. */
  readonly loadMs: number | undefined;
  /** For how long it has been ready, ms. */
  readonly upMs: number | undefined;
  /** When it will be stopped for being idle, ms from now; `null` for never, `undefined` while it is not idle. */
  readonly expiresInMs: number | null | undefined;
  /** Whether it is never stopped for others, nor for being idle. */
  readonly isPinned: boolean;
  /** Each time that it died or could not be started, oldest first; the last few. */
  readonly failures: readonly PoolFailure[];
  /** How often it was started again after a failure. */
  readonly restartCount: number;
}

/** Why a coordinator died or could not start. */
export interface PoolFailure {
  /** When, ISO 8601. */
  readonly at: string;
  /** In a sentence. */
  readonly reason: string;
}

/** What happens in the pool, for logs and for whoever watches. */
export type PoolEvent =
  & {
    /** See {@linkcode PoolView.id}. */
    readonly id: string;
    /** Name of the model. */
    readonly model: string;
  }
  & (
    | {
      /** It has moved on. */
      readonly type: "state";
      readonly state: CoordinatorState;
      readonly before: CoordinatorState;
      readonly because: string;
      /** Once it is ready. */
      readonly loadMs?: number;
    }
    | { readonly type: "phase"; readonly phase: StartPhase; readonly because: string }
    | ({ readonly type: "loading" } & LoadProgress)
    | { readonly type: "evicted"; readonly forModel: string; readonly because: string }
    | {
      readonly type: "recovering";
      readonly because: string;
      readonly attempt: number;
      readonly inMs: number;
    }
    | { readonly type: "recovered"; readonly attempt: number; readonly tookMs: number }
  );
