import { setImmediate as untilNextTurn } from "node:timers/promises";
import type { Clock } from "../clock.ts";

/** For how long work goes on in one go, ms: streams to clients wait meanwhile. */
const SLICE_MS = 4;

/** Cuts long work into pieces, between which whatever else waits has its turn: waiting for a quick disk alone gives it none. */
export class TimeSlice {
  readonly #clock: Clock;
  #endsAtMs: number;

  /** The first piece begins. */
  constructor(clock: Clock) {
    this.#clock = clock;
    this.#endsAtMs = clock.monotonic() + SLICE_MS;
  }

  /** Whether it is time for the others; if so, call {@linkcode next}. */
  get isOver(): boolean {
    return this.#clock.monotonic() >= this.#endsAtMs;
  }

  /** Resolves when the next piece may begin. */
  async next(): Promise<void> {
    await untilNextTurn();
    this.#endsAtMs = this.#clock.monotonic() + SLICE_MS;
  }
}
