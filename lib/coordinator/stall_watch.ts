import type { Clock } from "../clock.ts";
import type { ServerSlot } from "../llama_server/client.ts";
import { formatDuration } from "../units.ts";

/** How {@linkcode watchForStall} judges. */
export interface StallWatchOptions {
  /** What each slot does now; rejects if it does not tell. */
  readonly slots: (signal: AbortSignal) => Promise<readonly ServerSlot[]>;
  /** For how long an answer may stand still, ms. A prompt may five times as long. */
  readonly stallMs: number;
  /** Whether it has aborted, something else says that a backend is gone, and patience is short; read at each look. */
  readonly lost?: AbortSignal | undefined;
  /** Ends the watch: the process has exited. */
  readonly signal: AbortSignal;
  /** Times the looks. */
  readonly clock: Clock;
}

/** A prompt is counted batch by batch, and a batch of a large model may take minutes on slow machines. */
const PROMPT_PATIENCE = 5;
const LONGEST_PAUSE_MS = 5_000;
/** How long a standstill may last where a backend is said to be gone: it proves that it is so. */
const LOST_STALL_MS = 5_000;
const LOST_PAUSE_MS = 1_000;

/** Where a slot was when it last moved. */
interface Mark {
  readonly progress: string;
  readonly sinceMs: number;
  readonly isPrompt: boolean;
}

/**
 * Waits until a slot that computes makes no progress: an rpc backend hangs, and llama-server would wait for it for
 * ever, healthy to everybody who asks. Its counters are the only sign; a stream that is silent may only be slow.
 *
 * @returns What stands still, to follow "because"; undefined if the signal aborted first.
 */
export async function watchForStall(options: StallWatchOptions): Promise<string | undefined> {
  const { slots, stallMs, signal, clock } = options;
  const isLost = () => options.lost?.aborted === true; // it may be another signal each time
  let marks = new Map<number, Mark>();
  while (!signal.aborted) {
    try {
      const pauseMs = Math.min(isLost() ? LOST_PAUSE_MS : LONGEST_PAUSE_MS, stallMs / 4);
      await clock.sleep(pauseMs, { signal });
      marks = move(marks, await slots(signal), clock.monotonic());
    } catch {
      if (signal.aborted) return undefined;
      // It does not even tell: whatever was computing has not moved as far as anybody knows.
    }
    const patienceMs = (isPrompt: boolean): number =>
      isLost() ? Math.min(LOST_STALL_MS, stallMs) : stallMs * (isPrompt ? PROMPT_PATIENCE : 1);
    const stalled = [...marks].find(([, { sinceMs, isPrompt }]) =>
      clock.monotonic() - sinceMs >= patienceMs(isPrompt)
    );
    if (stalled) return describeStall(stalled[1], clock.monotonic());
  }
  return undefined;
}

function move(
  before: ReadonlyMap<number, Mark>,
  slots: readonly ServerSlot[],
  nowMs: number,
): Map<number, Mark> {
  const computing = slots.filter(({ isProcessing }) => isProcessing);
  return new Map(computing.map((slot): [number, Mark] => {
    const progress = `${slot.taskId} ${slot.promptTokensProcessed} ${slot.tokensDecoded}`;
    const known = before.get(slot.id);
    const mark = { progress, sinceMs: nowMs, isPrompt: slot.tokensDecoded === 0 };
    return [slot.id, known?.progress === progress ? known : mark];
  }));
}

function describeStall({ sinceMs, isPrompt }: Mark, nowMs: number): string {
  const what = isPrompt ? "its prompt" : "its answer";
  return `${what} made no progress for ${formatDuration(nowMs - sinceMs)}, so an rpc backend hangs`;
}
