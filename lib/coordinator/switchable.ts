/** What the switch needs of a coordinator: to see it die, and to stop it. */
export interface Switchable {
  /** Aborts at the moment that the process exits. */
  readonly dead: AbortSignal;
  /** Aborts soon after {@linkcode dead}, when it is known why; the reason says it. */
  readonly gone: AbortSignal;
  /** Aborts when it is to end as soon as it is idle, and to take nothing new; the reason says why. */
  readonly leaving?: AbortSignal | undefined;
  /** Stops the process; resolves when nothing of it is left. Must not reject. */
  stop(): Promise<void>;
}

/** A model that somebody wants served, and how to start its coordinator. */
export interface Wanted<C extends Switchable> {
  /** Canonical key of the model; equal keys share a coordinator. */
  readonly key: string;
  /** Starts the coordinator. The signal aborts only when the switch closes, never when a client leaves. */
  start(signal: AbortSignal): Promise<C>;
}

/** The right to use a coordinator; while it lasts, the coordinator is not stopped for another model. */
export interface CoordinatorLease<C extends Switchable> extends Disposable {
  /** It may die while it is leased; `gone` tells. */
  readonly coordinator: C;
  /** Time spent waiting for others' work, ms. */
  readonly queueMs: number;
  /** Time spent waiting for this model to load, ms; 0 if it was ready. */
  readonly loadMs: number;
}
