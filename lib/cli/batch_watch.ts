import type { Batch } from "../tasks/batch.ts";
import type { BatchApi } from "./batch_api.ts";
import { askPatiently, type Patience } from "./batch_patience.ts";
import { batchProgressText, doneShare } from "./batch_text.ts";
import type { Progress } from "./progress.ts";

/** How often a batch is looked at, ms; at first, since many are short, sooner. */
const LOOK_MS = 1_000;
const FIRST_LOOK_MS = 100;
/** Into a pipe goes a line each time that so much more of it is done. */
const TOLD_SHARE = 0.1;
/** What is seen in less time says little of how long the rest takes, ms. */
const MIN_SEEN_MS = 5_000;

/**
 * Looks at a batch until it has ended, and tells how far it is. A gateway that is away for a while is waited for.
 *
 * @throws {GatewayError} If the gateway knows it no longer, or is away for too long. The signal's reason.
 */
export async function untilEnded(
  api: Pick<BatchApi, "get">,
  batch: Batch,
  { progress, ...patience }: Patience & { readonly progress: Progress },
): Promise<Batch> {
  const { clock, signal } = patience;
  const teller = new BatchTeller(progress);
  let seen = batch;
  for (let pauseMs = FIRST_LOOK_MS;; pauseMs = Math.min(LOOK_MS, 2 * pauseMs)) {
    teller.tell(seen, clock.monotonic());
    if (seen.endedAtMs !== undefined) return seen;
    await clock.sleep(pauseMs, { signal });
    seen = await askPatiently(() => api.get(batch.id), patience);
  }
}

/** Tells what is new of a batch: of its many steps a terminal shows each, and a pipe some. */
class BatchTeller {
  #told: { readonly status: Batch["status"]; readonly step: number } | undefined;
  #first: { readonly doneCount: number; readonly atMs: number } | undefined;

  constructor(private readonly progress: Progress) {}

  tell(batch: Batch, nowMs: number): void {
    const step = Math.floor(doneShare(batch) / TOLD_SHARE);
    const isDetail = this.#told?.status === batch.status && this.#told.step === step;
    if (!isDetail) this.#told = { status: batch.status, step };
    this.progress.update(batchProgressText(batch, this.#leftMs(batch, nowMs)), { isDetail });
  }

  #leftMs({ status, counts }: Batch, nowMs: number): number | undefined {
    if (status !== "in_progress") return undefined;
    const doneCount = counts.completed + counts.failed;
    this.#first ??= { doneCount, atMs: nowMs };
    const [seenMs, seenCount] = [nowMs - this.#first.atMs, doneCount - this.#first.doneCount];
    if (seenMs < MIN_SEEN_MS || seenCount <= 0) return undefined;
    return (counts.total - doneCount) * seenMs / seenCount;
  }
}
