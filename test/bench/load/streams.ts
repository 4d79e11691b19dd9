import { HttpClient } from "../../../lib/http/client.ts";

const decoder = new TextDecoder();

/** What a reader saw of many streams at once. */
export interface StreamResult {
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
  const result: StreamResult = { lateMs: [], brokenCount: 0, eventCount: 0 };
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
  result.lateMs.sort((a, b) => a - b);
  return result;
}

async function readStream(url: string, init: RequestInit, result: StreamResult): Promise<void> {
  const response = await fetch(url, init);
  let isDone = false;
  for await (const chunk of response.body!) {
    const nowMs = performance.now();
    const text = decoder.decode(chunk);
    for (const [, sentUs] of text.matchAll(/"sent_us":(\d+)/g)) {
      result.eventCount++;
      result.lateMs.push(performance.timeOrigin + nowMs - Number(sentUs) / 1_000);
    }
    if (text.includes("[DONE]")) isDone = true;
  }
  if (!isDone) result.brokenCount++;
}

/**
 * From the request to the first event, ms, sorted: streams of one event, one after the other over a connection that is
 * kept. Read by our own client, because fetch adds more than what is to be measured.
 */
export async function firstChunksMs(url: string, apiKey: string): Promise<number[]> {
  using http = new HttpClient();
  const { hostname, port, pathname } = new URL(url);
  const request = { model: "stub", stream: true, messages: [{ role: "user", content: "hi" }], x_count: 1 };
  const firstChunks: number[] = [];
  for (let i = 0; i < 300; i++) {
    const startedMs = performance.now();
    const { body } = await http.send({ transport: "tcp", hostname, port: Number(port) }, {
      method: "POST",
      target: pathname,
      headers: [["authorization", `Bearer ${apiKey}`], ["content-type", "application/json"]],
      body: new TextEncoder().encode(JSON.stringify(request)),
    });
    await body.read();
    firstChunks.push(performance.now() - startedMs);
    while (await body.read() !== null); // the connection is kept only after a proper end
  }
  return firstChunks.sort((a, b) => a - b);
}

/** The value below which `share` (0 to 1) of the sorted values lie. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
