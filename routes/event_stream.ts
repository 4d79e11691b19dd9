import type { Context } from "hono";
import type { Clock } from "../lib/clock.ts";
import { errorBody } from "../lib/dialects/openai.ts";
import { GatewayError } from "../lib/errors.ts";
import { formatSseEvent, SSE_KEEP_ALIVE, type SseEvent } from "../lib/stream/sse_event.ts";
import type { AppEnv } from "./app_env.ts";
import { jsonText } from "./json_answer.ts";
import { PAUSE, withPauses } from "./with_pauses.ts";

/** Proxies close what is silent for a minute. */
const KEEP_ALIVE_MS = 15_000;

/** What a stream needs that would last for ever. */
export interface StreamSettings {
  /** Aborts when the gateway begins to shut down; the stream ends then. */
  readonly closing: AbortSignal;
  /** For the pauses after which a keep-alive is sent. */
  readonly clock: Clock;
}

/**
 * Answers with server-sent events, for as long as there are any. Nothing is opened before the client reads, and what is
 * opened ends when it leaves, however little it has read. An error that we understand is the stream's last event.
 *
 * @param open Gives the events; ends soon after its signal aborts.
 */
export function eventStream(
  c: Context<AppEnv>,
  open: (signal: AbortSignal) => AsyncIterable<SseEvent>,
  { closing, clock }: StreamSettings,
): Response {
  const left = new AbortController();
  const texts = toText(open, [closing, left.signal], { clock, requestId: c.get("requestId") });
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await texts.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    async cancel() {
      left.abort();
      await texts.return();
    },
  }, { highWaterMark: 0 });
  return c.body(body, 200, {
    "content-type": "text/event-stream",
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no", // or nginx holds events back
  });
}

const encoder = new TextEncoder();

async function* toText(
  open: (signal: AbortSignal) => AsyncIterable<SseEvent>,
  signals: AbortSignal[],
  { clock, requestId }: { clock: Clock; requestId: string },
): AsyncGenerator<string, void> {
  const signal = AbortSignal.any(signals);
  try {
    for await (const event of withPauses(open(signal), KEEP_ALIVE_MS, { clock, signal })) {
      yield event === PAUSE ? SSE_KEEP_ALIVE : formatSseEvent(event);
    }
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    yield formatSseEvent({ type: "error", data: jsonText(errorBody(error, requestId)) });
  }
}
