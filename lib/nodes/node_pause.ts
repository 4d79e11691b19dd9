/** No node is left alone for longer, whatever it asks for, ms. */
const LONGEST_MS = 5 * 60_000;

/** For how long a node is left alone at its own wish. Pure: time is told. */
export class NodePause {
  #untilMs = -Infinity;

  /** Whether it is, as of the last {@linkcode advance}. */
  get isOn(): boolean {
    return this.#untilMs > -Infinity;
  }

  /** When it is over, on the monotonic clock; `Infinity` if there is none. */
  get dueMs(): number {
    return this.isOn ? this.#untilMs : Infinity;
  }

  /** From now on for so long, ms, 5 min at most; a longer one that runs goes on. */
  begin(ms: number, nowMs: number): void {
    if (ms > 0) this.#untilMs = Math.max(this.#untilMs, nowMs + Math.min(ms, LONGEST_MS));
  }

  /** Time has passed. */
  advance(nowMs: number): void {
    if (nowMs >= this.#untilMs) this.#untilMs = -Infinity;
  }
}
