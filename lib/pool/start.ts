import { messageOf } from "../errors.ts";
import type { LoadProgress, Place, Pooled, Prospect, StartPhase, Wanted } from "./pooled.ts";

/** The death that a start is to make up for. */
export interface Recovery {
  /** When it died, ms of the monotonic clock. */
  readonly diedMs: number;
}

/** What a coordinator takes over from the one before it. */
export interface Heritage {
  /** When that was used last, ms of the monotonic clock. */
  readonly usedMs: number;
  /** For how long its last request wished it to stay, ms. */
  readonly keepAliveMs: number | undefined;
}

/**
 * For how long requests wait for a coordinator that was running and cannot be placed any more, ms from its death. A
 * worker has its rpc server running again within 2 s, systemd within a few.
 */
export const PLACE_PATIENCE_MS = 10_000;

/** How often such a one looks whether it can be placed, while requests wait, ms. */
const LOOK_EVERY_MS = 2_000;

/** The same, when they wait no more. */
const LOOK_RARELY_MS = 10_000;

/** For how long a start goes on that takes up what was running before; all times are of the monotonic clock. */
export interface Endurance {
  /** Until when though nobody waits for it, ms. */
  readonly wantedUntilMs: number;
  /** Until when requests wait though it cannot be placed, ms; from then on they are refused, and it goes on looking. */
  readonly patientUntilMs: number;
}

/** It is as patient as one that was stopped or died just now. */
export function enduringUntil(wantedUntilMs: number, nowMs: number): Endurance {
  return { wantedUntilMs, patientUntilMs: nowMs + PLACE_PATIENCE_MS };
}

/** What a {@linkcode Start} is made with. */
export interface StartOptions<C extends Pooled> {
  /** The model. */
  readonly wanted: Wanted<C>;
  /** `undefined` unless it makes up for a death. */
  readonly recovery?: Recovery | undefined;
  /** `undefined` for a cold start. */
  readonly heritage?: Heritage | undefined;
  /** `undefined` for a cold start: it ends with those who wait for it, or when it cannot be placed. */
  readonly endurance?: Endurance | undefined;
  /** The phase is another. */
  onPhase(phase: StartPhase, because: string): void;
  /** It loads. */
  onProgress(progress: LoadProgress): void;
  /** The model is ready to be placed. */
  onPrepared(): void;
  /** It serves. */
  onReady(coordinator: C): void;
  /** It could not be prepared (no process was started), or its process failed; nothing of that is left. */
  onFailed(error: unknown, hadProcess: boolean): void;
}

/**
 * The way of a coordinator from the wish for it until it is ready, over all attempts. Its steps are begun by others; how
 * each ends it tells. Once it was cancelled it tells nothing more, but for the end of its process.
 */
export class Start<C extends Pooled> {
  /** What each attempt failed with. */
  readonly errors: unknown[] = [];
  /** When it is tried again, while it backs off or cannot be placed; ms of the monotonic clock. */
  retryAtMs: number = Infinity;
  #phase: StartPhase = "preparing";
  #because = "";
  #prospect: Prospect<C> | undefined;
  #isPreparing = false;
  #hasProcess = false;
  #progress: LoadProgress | undefined;
  #unplaceable: { readonly error: unknown } | undefined;
  readonly #cancelled = new AbortController();

  /** Begins nothing. */
  constructor(private readonly options: StartOptions<C>) {}

  /** The death that it makes up for, if it does. */
  get recovery(): Recovery | undefined {
    return this.options.recovery;
  }

  /** What its coordinator takes over; `undefined` for a cold start. */
  get heritage(): Heritage | undefined {
    return this.options.heritage;
  }

  /** Until when it goes on though nobody waits for it, ms of the monotonic clock. */
  get wantedUntilMs(): number {
    return this.options.endurance?.wantedUntilMs ?? -Infinity;
  }

  /** Whether it goes on looking if it cannot be placed. */
  get isPatient(): boolean {
    return this.options.endurance !== undefined;
  }

  /** Why it cannot be placed now, as of its last look. */
  get unplaceable(): unknown {
    return this.#unplaceable?.error;
  }

  /** Whether its last look found no place for it. */
  get isUnplaceable(): boolean {
    return this.#unplaceable !== undefined && !this.isSeeking;
  }

  /** From when on requests are refused with {@linkcode unplaceable}, ms of the monotonic clock; `Infinity` if it may be placed. */
  get refusesFromMs(): number {
    return this.isUnplaceable ? this.options.endurance!.patientUntilMs : Infinity;
  }

  /** What it does now. */
  get phase(): StartPhase {
    return this.#phase;
  }

  /** Why it does that. */
  get because(): string {
    return this.#because;
  }

  /** How far its process is. */
  get progress(): LoadProgress | undefined {
    return this.#progress;
  }

  /** What is known of where it fits; `undefined` before it was prepared. */
  get prospect(): Prospect<C> | undefined {
    return this.#prospect;
  }

  /** Whether its model's file is read, or the rpc backends are asked. */
  get isPreparing(): boolean {
    return this.#isPreparing;
  }

  /** Whether it waits for its place, and knows where it fits. */
  get isSeeking(): boolean {
    return this.#prospect !== undefined;
  }

  /** Whether there is a process, or what is left of one: it has to be waited for. */
  get hasProcess(): boolean {
    return this.#hasProcess;
  }

  /** Whether its predecessor died, and something of it is left. */
  get isClearingAway(): boolean {
    return this.#hasProcess && this.#phase === "backing off";
  }

  /** Aborts when it was cancelled; the reason is the sentence why. */
  get cancelled(): AbortSignal {
    return this.#cancelled.signal;
  }

  /** Ends it as soon as nothing of its process is left. */
  cancel(because: string): void {
    this.#cancelled.abort(new Error(because));
  }

  /** Clears away what is left of the process that died, before anything else. */
  async clearAway(dead: C, because: string): Promise<void> {
    this.#hasProcess = true;
    this.#enter("backing off", because);
    await dead.stop();
    this.#hasProcess = false;
  }

  /** Waits before the next attempt. */
  backOff(untilMs: number, because: string): void {
    this.retryAtMs = untilMs;
    this.#enter("backing off", because);
  }

  /** It cannot be placed, which has cost nothing: it looks again by and by. */
  waitForPlace(error: unknown, nowMs: number): void {
    this.#unplaceable = { error };
    this.retryAtMs = nowMs + (nowMs < this.refusesFromMs ? LOOK_EVERY_MS : LOOK_RARELY_MS);
    this.waitForRoom(`cannot be placed: ${messageOf(error)}`);
  }

  /** What waits to be tried again is tried now. */
  hurry(): void {
    if (this.retryAtMs !== Infinity) this.retryAtMs = -Infinity;
  }

  /** Finds out where the model would fit, first or anew. */
  prepare(): void {
    this.retryAtMs = Infinity;
    if (!this.isSeeking && !this.#unplaceable) {
      this.#enter("preparing", "its file is read, and the rpc backends are asked");
    }
    this.#isPreparing = true;
    void this.#prepare();
  }

  /** It cannot be placed. */
  fail(error: unknown): void {
    this.#prospect = undefined;
    this.options.onFailed(error, false);
  }

  /** Has to wait for others, or for rpc backends. */
  waitForRoom(because: string): void {
    if (this.#phase === "waiting for room") this.#because = because;
    else this.#enter("waiting for room", because);
  }

  /** Starts the process. */
  load(place: Place<C>): void {
    this.#prospect = this.#unplaceable = undefined;
    this.#hasProcess = true;
    this.#enter("loading", place.because);
    void this.#load(place);
  }

  async #prepare(): Promise<void> {
    const { options } = this;
    try {
      this.#prospect = await options.wanted.prepare(this.cancelled);
    } catch (error) {
      this.#prospect = undefined;
      if (!this.cancelled.aborted) options.onFailed(error, false);
      return;
    } finally {
      this.#isPreparing = false;
    }
    if (!this.cancelled.aborted) options.onPrepared();
  }

  async #load(place: Place<C>): Promise<void> {
    let coordinator: C;
    try {
      coordinator = await place.start(this.cancelled, (progress) => this.#advance(progress));
    } catch (error) {
      this.#hasProcess = false;
      return this.options.onFailed(error, true);
    }
    if (this.cancelled.aborted) await coordinator.stop();
    this.#hasProcess = false;
    if (this.cancelled.aborted) this.options.onFailed(this.cancelled.reason, true);
    else this.options.onReady(coordinator);
  }

  #advance(progress: LoadProgress): void {
    this.#progress = progress;
    this.options.onProgress(progress);
  }

  #enter(phase: StartPhase, because: string): void {
    this.#phase = phase;
    this.#because = because;
    if (phase !== "loading") this.#progress = undefined;
    this.options.onPhase(phase, because);
  }
}
