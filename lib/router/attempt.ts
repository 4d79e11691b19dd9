import type { Clock } from "../clock.ts";
import type { HttpClient, HttpResponse } from "../http/client.ts";
import type { Exchange } from "../dialects/exchange.ts";
import { watchFor } from "../dialects/watch_for.ts";
import { MIB } from "../units.ts";
import { type Answer, clientHeaders, isStream } from "./answer.ts";
import { AnswerStream, type AnswerStreamOptions } from "./answer_stream.ts";
import { HeardBody } from "./heard_body.ts";
import { requireAnswer, requireBeginning, requireJson } from "./node_answer.ts";
import { postTo, type Route } from "./route.ts";

/** Answers that are no stream are held back until whole, so that one which breaks can be asked for again. */
const MAX_HELD_ANSWER_BYTES = 64 * MIB;

/** How long a connection to a node may rest before the next request does not take it any more, ms. */
const NODE_IDLE_MS = 2_000;

/** What {@linkcode askUpstream} works with. */
export interface AttemptParts {
  /** Asks. */
  readonly http: HttpClient;
  /** Measures. */
  readonly clock: Clock;
  /** For a connection, ms. */
  readonly connectTimeoutMs: number;
  /** Ends the attempt. */
  readonly signal: AbortSignal;
  /** See {@linkcode AnswerStreamOptions}. */
  readonly explain: AnswerStreamOptions["explain"];
  /** Told once when a stream is over; `error` is undefined after a proper end. */
  readonly onEnd: AnswerStreamOptions["onEnd"];
  /** Whether the caller gives the route back when the answer is over; otherwise the end of a stream does. */
  readonly keepsRoute: boolean;
}

/**
 * What an upstream answered, in its own words: whole, or a stream whose first event is there. The route's lease lasts as
 * long as the stream.
 */
export type UpstreamAnswer = Omit<Answer, "report" | "body"> & { readonly body: Uint8Array | AnswerStream };

/**
 * Asks one upstream exactly once. Resolves when the first byte for the client is there.
 *
 * @throws {NodeRefusal} If it is a node, and another one may better its answer.
 * @throws Whatever broke, unexplained; the route is the caller's to dispose then.
 */
export async function askUpstream(
  route: Route,
  exchange: Exchange,
  parts: AttemptParts,
): Promise<UpstreamAnswer> {
  const { http, clock, connectTimeoutMs, signal } = parts;
  const sentMs = clock.monotonic();
  const response = await http.send(route.address, {
    ...postTo(route, exchange.target, exchange.body),
    signal: route.lost ? AbortSignal.any([signal, route.lost]) : signal,
    connectTimeoutMs,
    // llama-server closes behind each stream, whatever it says: a pooled connection would just then be gone. And on a
    // connection to a host that has died meanwhile a request counts as sent: one that rested for long is not worth that.
    fresh: route.to === "external" || (route.to === "coordinator" && exchange.stream),
    ...(route.to === "node" && { keepIdleMs: NODE_IDLE_MS }),
  });
  route.reportAnswer?.(response.status);
  if (route.node) await requireAnswer(response, exchange);
  const head = { status: response.status, headers: clientHeaders(response.headers) };
  if (isStream(response)) {
    return { ...head, body: await openStream(response, route, exchange, sentMs, parts) };
  }
  const body = await response.body.bytes(MAX_HELD_ANSWER_BYTES);
  if (route.node && response.status < 300) requireJson(response, body);
  return { ...head, body };
}

async function openStream(
  response: HttpResponse,
  route: Route,
  exchange: Exchange,
  sentMs: number,
  { clock, explain, onEnd, keepsRoute }: AttemptParts,
): Promise<AnswerStream> {
  let firstMs = sentMs;
  const stream: AnswerStream = await AnswerStream.open({
    body: route.reportBytes ? new HeardBody(response.body, route.reportBytes) : response.body,
    watch: watchFor(exchange.format),
    ...(route.node && { requireBeginning: (events) => requireBeginning(response, events) }),
    explain,
    onEnd: (error, dataEventCount) => {
      if (error === undefined && !stream.hasError) {
        route.reportServed?.();
        route.node?.reportServed({ count: stream.tokenCount, ms: clock.monotonic() - firstMs });
      }
      if (error !== undefined || !keepsRoute) route[Symbol.dispose]();
      onEnd(error, dataEventCount);
    },
  });
  firstMs = clock.monotonic();
  route.node?.reportFirstToken(firstMs - sentMs);
  return stream;
}
