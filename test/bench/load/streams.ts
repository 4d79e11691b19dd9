const decoder = new TextDecoder();

/** What a reader saw of many streams at once. */
export interface StreamResult {
  /** From the request to the first event, per stream, ms, sorted. */
  firstChunkMs: number[];
  /** How late each event was after the upstream sent it, ms, sorted. */
  lateMs: number[];
  /** Streams that ended without `[DONE]`. */
  brokenCount: number;
  eventCount: number;
}

/** Opens `streamCount` streams at once and reads them to their end. */
export async function readStreams(
  url: string,
  { streamCount, eventCount, intervalMs, apiKey }: {
    streamCount: number;
    eventCount: number;
    intervalMs: number;
    apiKey: string;
  },
): Promise<StreamResult> {
  const result: StreamResult = { firstChunkMs: [], lateMs: [], brokenCount: 0, eventCount: 0 };
  const body = JSON.stringify({
    model: "stub",
    stream: true,
    messages: [{ role: "user", content: "hi" }],
    x_count: eventCount,
    x_interval_ms: intervalMs,
  });
  const headers = { "content-type": "application/json", authorization: `Bearer ${apiKey}` };
  await Promise.all(
    Array.from({ length: streamCount }, () => readStream(url, { method: "POST", headers, body }, result)),
  );
  result.firstChunkMs.sort((a, b) => a - b);
  result.lateMs.sort((a, b) => a - b);
  return result;
}

async function readStream(url: string, init: RequestInit, result: StreamResult): Promise<void> {
  const startedMs = performance.now();
  const response = await fetch(url, init);
  let isDone = false;
  let isFirst = true;
  for await (const chunk of response.body!) {
    const nowMs = performance.now();
    if (isFirst) result.firstChunkMs.push(nowMs - startedMs);
    isFirst = false;
    const text = decoder.decode(chunk);
    for (const [, sentUs] of text.matchAll(/"sent_us":(\d+)/g)) {
      result.eventCount++;
      result.lateMs.push(performance.timeOrigin + nowMs - Number(sentUs) / 1_000);
    }
    if (text.includes("[DONE]")) isDone = true;
  }
  if (!isDone) result.brokenCount++;
}

/** The value below which `share` (0 to 1) of the sorted values lie. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
