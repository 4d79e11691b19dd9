import type { LoadProgress, PoolView } from "../pool/pooled.ts";

/** What a request for this coordinator's model waits for: `"tiny:latest" to load, 43 %`. It follows "waits for". */
export function describeWaitFor({ model, state, phase, progress, because, waitingCount }: PoolView): string {
  const quoted = `"${model}"`;
  if (state === "ready") {
    return waitingCount > 0 ? `a slot of ${quoted}, as ${waitingCount} do` : `${quoted} to read its prompt`;
  }
  if (state === "draining") return `${quoted} to be loaded afresh`;
  if (phase === "loading") return `${quoted} to load${describeProgress(progress)}`;
  if (phase === "waiting for room") return `room for ${quoted}: it ${because}`;
  if (phase === "backing off") return `${quoted} to be started again: ${because}`;
  return `${quoted} to load`;
}

function describeProgress(progress: LoadProgress | undefined): string {
  if (!progress) return "";
  const { stage, sentBytes, totalBytes } = progress;
  if (sentBytes === undefined || !totalBytes) return `, ${stage}`;
  return `, ${Math.min(100, Math.floor(100 * sentBytes / totalBytes))} %`;
}
