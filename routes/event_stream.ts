import type { Context } from "hono";
import type { Clock } from "../lib/clock.ts";
import { errorBody } from "../lib/dialects/openai.ts";
import { GatewayError } from "../lib/errors.ts";
import { sseComment } from "../lib/stream/sse_comment.ts";
import { encodeSseEvent, type SseEvent } from "../lib/stream/sse_event.ts";
import type { AppEnv } from "./app_env.ts";
import { jsonText } from "./json_answer.ts";
import type { LongAnswerSettings } from "./long_answer.ts";
import { PAUSE, withPauses } from "./with_pauses.ts";

/** Proxies close what is silent for a minute. */
const KEEP_ALIVE_MS = 15_000;

/**
 * Answers with server-sent events, for as long as there are any. Nothing is opened before the client reads, and what is
 * opened ends when it leaves, however little it has read. An error that we understand is the stream's last event.
 *
 * @param open Gives the events; ends soon after its signal aborts.
 */
export function eventStream(
  c: Context<AppEnv>,
  open: (signal: AbortSignal) => AsyncIterable<SseEvent>,
  { closing, clock }: LongAnswerSettings,
): Response {
  const left = new AbortController();
  const chunks = toBytes(open, [closing, left.signal], { clock, requestId: c.get("requestId") });
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      left.abort();
      await chunks.return();
    },
  }, { highWaterMark: 0 });
  return c.body(body, 200, {
    "content-type": "text/event-stream",
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no", // or nginx holds events back
  });
}

/** Shows that the stream still lives. */
const KEEP_ALIVE = sseComment("still here");

async function* toBytes(
  open: (signal: AbortSignal) => AsyncIterable<SseEvent>,
  signals: AbortSignal[],
  { clock, requestId }: { clock: Clock; requestId: string },
): AsyncGenerator<Uint8Array, void> {
  const signal = AbortSignal.any(signals);
  try {
    for await (const event of withPauses(open(signal), KEEP_ALIVE_MS, { clock, signal })) {
      yield event === PAUSE ? KEEP_ALIVE : encodeSseEvent(event);
    }
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    yield encodeSseEvent({ type: "error", data: jsonText(errorBody(error, requestId)) });
  }
}
