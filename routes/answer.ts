import { errorEvent } from "../lib/dialects/openai.ts";
import { GatewayError } from "../lib/errors.ts";
import type { Answer, RouteReport } from "../lib/gateway.ts";
import type { AnswerStream } from "../lib/router/answer_stream.ts";

/** Turns an upstream's answer into the client's: its bytes, its end-to-end headers, and where it came from. */
export function toResponse(answer: Answer, requestId: string): Response {
  const headers = new Headers(answer.headers as [string, string][]);
  for (const [name, value] of Object.entries(reportHeaders(answer.report))) headers.set(name, value);
  headers.set("x-sollol-request-id", requestId);
  if (answer.body instanceof Uint8Array) {
    headers.delete("content-length"); // the server counts what it sends
    return new Response(answer.body as Uint8Array<ArrayBuffer>, { status: answer.status, headers });
  }
  headers.set("cache-control", "no-cache");
  return new Response(toReadable(answer.body, requestId), { status: answer.status, headers });
}

function reportHeaders(report: RouteReport): Record<string, string> {
  return {
    "x-sollol-upstream": headerText(report.upstream),
    "x-sollol-decision": headerText(report.because),
    "x-sollol-attempts": String(report.attemptCount),
    "x-sollol-queue-ms": report.queueMs.toFixed(1),
    "x-sollol-load-ms": report.loadMs.toFixed(1),
  };
}

/** Header values are visible ASCII: model names and sentences may hold more. */
function headerText(text: string): string {
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
