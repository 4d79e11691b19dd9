import type { ClientDialect } from "../lib/dialects/client_dialect.ts";
import { GatewayError } from "../lib/errors.ts";
import type { HeaderList } from "../lib/http/headers.ts";
import type { AnswerReport } from "../lib/router/answer.ts";
import type { AnswerEvents } from "../lib/router/answer_stream.ts";
import { requestIdHeaders } from "./middleware/identify.ts";

/** An answer of an upstream, or the beginning of one that is still waited for. */
export interface ClientAnswer {
  /** HTTP status. */
  readonly status: number;
  /** End-to-end headers. */
  readonly headers: HeaderList;
  /** Whole, or a stream that is read to its end or cancelled. */
  readonly body: Uint8Array | AnswerEvents;
  /** Where the request went, as far as it is known. */
  readonly report: Pick<AnswerReport, "because"> & Partial<AnswerReport>;
}

/** Turns an upstream's answer into the client's: its bytes, its end-to-end headers, and where it came from. */
export function toResponse(
  { status, headers, body, report }: ClientAnswer,
  requestId: string,
  dialect: ClientDialect,
): Response {
  const names = Object.entries(requestIdHeaders(requestId, dialect));
  const list: [string, string][] = [...names, ...routeHeaders(report)];
  for (const [name, value] of headers) {
    if (!OWN_HEADERS.has(name)) list.push([name, value]);
  }
  if (body instanceof Uint8Array) {
    const hasBody = !BODILESS.has(status);
    return new Response(hasBody ? body as Uint8Array<ArrayBuffer> : null, { status, headers: list });
  }
  if (!headers.some(([name]) => name === "cache-control")) list.push(["cache-control", "no-cache"]);
  return new Response(toReadable(body, requestId, dialect), { status, headers: list });
}

function* routeHeaders(report: ClientAnswer["report"]): Generator<[string, string]> {
  const { upstream, modelName, because, attemptCount, queueMs, loadMs, durationMs } = report;
  if (upstream !== undefined) yield ["x-sollol-upstream", headerText(upstream)];
  if (modelName !== undefined) yield ["x-sollol-model", headerText(modelName)];
  yield ["x-sollol-decision", headerText(because)];
  if (attemptCount !== undefined) yield ["x-sollol-attempts", String(attemptCount)];
  if (queueMs !== undefined) yield ["x-sollol-queue-ms", String(Math.round(queueMs))];
  if (loadMs !== undefined) yield ["x-sollol-load-ms", String(Math.round(loadMs))];
  if (durationMs !== undefined) yield ["x-sollol-duration-ms", String(Math.round(durationMs))];
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
function toReadable(
  stream: AnswerEvents,
  requestId: string,
  dialect: ClientDialect,
): ReadableStream<Uint8Array> {
  let hasLeft = false;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const events = await stream.read();
        if (events === null) controller.close();
        else controller.enqueue(events);
      } catch (error) {
        if (hasLeft) return;
        const understood = error instanceof GatewayError ? error : undefined;
        controller.enqueue(dialect.errorEvent(understood, requestId));
        controller.close();
      }
    },
    cancel() {
      hasLeft = true;
      stream.cancel();
    },
  }, { highWaterMark: 0 });
}
