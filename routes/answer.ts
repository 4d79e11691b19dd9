import { errorEvent } from "../lib/dialects/openai.ts";
import { GatewayError } from "../lib/errors.ts";
import type { Answer } from "../lib/router/answer.ts";
import type { AnswerStream } from "../lib/router/answer_stream.ts";
import { REQUEST_ID_HEADER } from "./middleware/identify.ts";

/** Turns an upstream's answer into the client's: its bytes, its end-to-end headers, and where it came from. */
export function toResponse({ status, headers, body, report }: Answer, requestId: string): Response {
  const list: [string, string][] = [
    [REQUEST_ID_HEADER, requestId],
    ["x-sollol-upstream", headerText(report.upstream)],
    ["x-sollol-decision", headerText(report.because)],
    ["x-sollol-attempts", String(report.attemptCount)],
    ["x-sollol-queue-ms", String(Math.round(report.queueMs))],
    ["x-sollol-load-ms", String(Math.round(report.loadMs))],
  ];
  for (const [name, value] of headers) {
    if (!OWN_HEADERS.has(name)) list.push([name, value]);
  }
  if (body instanceof Uint8Array) {
    const hasBody = !BODILESS.has(status);
    return new Response(hasBody ? body as Uint8Array<ArrayBuffer> : null, { status, headers: list });
  }
  if (!headers.some(([name]) => name === "cache-control")) list.push(["cache-control", "no-cache"]);
  return new Response(toReadable(body, requestId), { status, headers: list });
}

/** Statuses whose answers have no body; `Response` refuses even an empty one. */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

/** What our own server says of what it sends. */
const OWN_HEADERS: ReadonlySet<string> = new Set(["content-length", "date"]);

/** Header values are visible ASCII: model names and sentences may hold more. */
function headerText(text: string): string {
  if (/^[\x20-\x7e]{0,1000}$/.test(text)) return text;
  return text.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 1_000);
}

/** Pulls the stream as the client reads; what breaks is told inside it, in the dialect's form. */
function toReadable(stream: AnswerStream, requestId: string): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const events = await stream.read();
        if (events === null) controller.close();
        else controller.enqueue(events);
      } catch (error) {
        if (!(error instanceof GatewayError)) return controller.error(error); // the client has left
        controller.enqueue(errorEvent(error, requestId));
        controller.close();
      }
    },
    cancel() {
      stream.cancel();
    },
  }, { highWaterMark: 0 });
}
