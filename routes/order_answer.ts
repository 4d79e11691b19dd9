import type { Context } from "hono";
import type { ClientWatch } from "../lib/client_watch.ts";
import { ollamaDialect } from "../lib/dialects/ollama_dialect.ts";
import { readProgress } from "../lib/dialects/ollama_progress.ts";
import { GatewayError } from "../lib/errors.ts";
import type { OrderAnswer, OrderPlace, OrderProgress } from "../lib/model_management/model_order.ts";
import type { AppEnv } from "./app_env.ts";
import { leftOf } from "./left_of.ts";
import { REQUEST_ID_HEADER } from "./middleware/identify.ts";

const encoder = new TextEncoder();

/** A node's answer to a short order, and where it came from. */
export function orderAnswer(c: Context<AppEnv>, { status, body, ...place }: OrderAnswer): Response {
  const headers = headersOf(c, place);
  if (body.byteLength === 0) return c.body(null, status as 200, headers);
  return c.body(body, status as 200, { ...headers, "content-type": "application/json; charset=utf-8" });
}

/** How progress is told. */
export interface ProgressAnswerOptions {
  /** Line by line as it comes, or with its last line alone. */
  readonly isStream: boolean;
  /** Notices that the client leaves, also after the answer has begun. */
  readonly clients: Pick<ClientWatch, "watch">;
}

/**
 * Answers with the progress of a long order, which ends when the client leaves.
 *
 * @param start Gives the progress; ends it soon after its signal aborts.
 */
export async function progressAnswer(
  c: Context<AppEnv>,
  start: (signal: AbortSignal) => Promise<OrderProgress>,
  { isStream, clients }: ProgressAnswerOptions,
): Promise<Response> {
  const left = new AbortController();
  const { remoteAddr } = c.env ?? {};
  using watch = new DisposableStack();
  const client = watch.use(clients.watch(remoteAddr?.transport === "tcp" ? remoteAddr : undefined));
  const progress = await start(AbortSignal.any([leftOf(c), left.signal, client.signal]));
  if (progress.refusal) return orderAnswer(c, { ...progress, ...progress.refusal });
  const headers = headersOf(c, progress);
  if (!isStream) return await lastLine(c, progress.lines, headers);
  const watching = watch.move(); // for as long as the stream lasts, which is longer than this function
  const body = toReadable(c, progress.lines, { leave: () => left.abort(), onEnd: () => watching.dispose() });
  return c.body(body, 200, {
    ...headers,
    "content-type": "application/x-ndjson",
    "cache-control": "no-store",
  });
}

function headersOf(c: Context<AppEnv>, { nodes, because }: OrderPlace): Record<string, string> {
  return {
    [REQUEST_ID_HEADER]: c.get("requestId"),
    "x-sollol-upstream": nodes.join(","),
    "x-sollol-decision": because,
  };
}

/** What failed is told with a status, as nothing was told before. */
async function lastLine(
  c: Context<AppEnv>,
  lines: AsyncIterable<string>,
  headers: Record<string, string>,
): Promise<Response> {
  let last = "";
  for await (const line of lines) last = line;
  const status = readProgress(last)?.error === undefined ? 200 : 500;
  return c.body(last, status, { ...headers, "content-type": "application/json; charset=utf-8" });
}

/** Pulls lines as the client reads. */
function toReadable(
  c: Context<AppEnv>,
  lines: AsyncGenerator<string, void>,
  { leave, onEnd }: { readonly leave: () => void; readonly onEnd: () => void },
): ReadableStream<Uint8Array> {
  let hasLeft = false;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await lines.next();
        if (!done) return controller.enqueue(encoder.encode(`${value}\n`));
        onEnd();
        controller.close();
      } catch (error) {
        onEnd();
        if (hasLeft) return;
        const told = error instanceof GatewayError ? error : undefined;
        controller.enqueue(ollamaDialect.errorEvent(told, c.get("requestId")));
        controller.close();
      }
    },
    cancel() {
      hasLeft = true;
      onEnd();
      leave();
      void lines.return().catch(() => {}); // it has been left: how it ends is no news
    },
  }, { highWaterMark: 0 });
}
