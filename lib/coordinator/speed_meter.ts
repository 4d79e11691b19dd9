import type { ServerSlot } from "../llama_server/client.ts";

/** After this time without a look nobody knows any more, ms. */
const STALE_MS = 10_000;

/** How fast a coordinator generates, from looks at its slots. Pure. */
export class SpeedMeter {
  #decoded: ReadonlyMap<string, number> = new Map();
  #lookMs: number | undefined;
  #tokensPerSecond = 0;

  /** Takes what the slots do at a moment of a monotonic clock. */
  take(slots: readonly ServerSlot[], nowMs: number): void {
    const computing = slots.filter(({ isProcessing }) => isProcessing);
    const decoded = new Map(
      computing.map(({ id, taskId, tokensDecoded }) => [`${id} ${taskId}`, tokensDecoded]),
    );
    const elapsedMs = nowMs - (this.#lookMs ?? nowMs);
    const newCount = [...decoded].reduce((sum, [task, count]) => {
      return sum + Math.max(0, count - (this.#decoded.get(task) ?? 0));
    }, 0);
    if (elapsedMs > 0) this.#tokensPerSecond = newCount * 1_000 / elapsedMs;
    [this.#decoded, this.#lookMs] = [decoded, nowMs];
  }

  /** Tokens a second of all slots together between the last two looks; 0 if the last one is long ago. */
  tokensPerSecondAt(nowMs: number): number {
    return nowMs - (this.#lookMs ?? -Infinity) > STALE_MS ? 0 : this.#tokensPerSecond;
  }
}
