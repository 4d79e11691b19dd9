import type { Clock } from "../clock.ts";
import { Alarm } from "../registry/alarm.ts";
import { Turns } from "./turns.ts";

/** Something that has work to be done, piece by piece. */
export interface LaneSource {
  /**
   * Begins a piece of work if one may begin now. What it returns resolves when that is over, and never rejects.
   *
   * @param nowMs Monotonic.
   */
  begin(nowMs: number): Promise<void> | undefined;
  /** When to ask it again by itself, monotonic ms; `Infinity` if nothing waits for a time. */
  readonly dueAtMs: number;
}

/** Has the work of many sources done, a bounded number of pieces at a time, in fair turns. */
export class Lanes implements AsyncDisposable {
  readonly #limit: () => number;
  readonly #clock: Clock;
  readonly #sources = new Turns<LaneSource>();
  readonly #alarm: Alarm;
  readonly #running = new Set<Promise<void>>();
  #isAdvancing = false;
  #isClosed = false;

  /**
   * Without sources.
   *
   * @param options `limit` tells how many pieces may be under way now.
   */
  constructor({ limit, clock }: { readonly limit: () => number; readonly clock: Clock }) {
    this.#limit = limit;
    this.#clock = clock;
    this.#alarm = new Alarm(clock, () => this.advance());
  }

  /** How many pieces are under way. */
  get runningCount(): number {
    return this.#running.size;
  }

  /** Takes a source in, and begins what it has. */
  add(source: LaneSource): void {
    this.#sources.add(source);
    this.advance();
  }

  /** Asks a source no more; what is under way goes on. */
  remove(source: LaneSource): void {
    this.#sources.remove(source);
  }

  /** Begins what may begin; call it when there is new work, or a source may go on. */
  advance(): void {
    if (this.#isAdvancing) return; // whoever is asked to begin may be heard of at once
    this.#isAdvancing = true;
    try {
      this.#beginAll();
    } finally {
      this.#isAdvancing = false;
    }
  }

  /** Begins nothing more, and waits for what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#alarm[Symbol.dispose]();
    await Promise.all(this.#running);
  }

  #beginAll(): void {
    while (!this.#isClosed && this.runningCount < this.#limit()) {
      const nowMs = this.#clock.monotonic();
      const work = this.#sources.take((source) => source.begin(nowMs));
      if (work === undefined) return this.#ringLater(nowMs);
      this.#running.add(work);
      void work.then(() => {
        this.#running.delete(work);
        this.advance();
      });
    }
  }

  /** What was due and did not begin waits for something else than time. */
  #ringLater(nowMs: number): void {
    const moments = [...this.#sources].map(({ dueAtMs }) => dueAtMs).filter((dueAtMs) => dueAtMs > nowMs);
    this.#alarm.ringBy(Math.min(...moments));
  }
}
