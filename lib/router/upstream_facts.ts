import type { UpstreamFacts, UpstreamReply } from "../dialects/exchange.ts";
import type { Clock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import { GatewayError } from "../errors.ts";
import type { HttpClient } from "../http/client.ts";
import { jsonIn } from "../json_text.ts";
import { formatDuration, MIB } from "../units.ts";
import { postTo, type Route } from "./route.ts";

/** Questions are answered while the model computes; only a text of many MB takes its time, ms. */
const ANSWER_MS = 60_000;
/** The longest answer to a short question is a prompt as the template made it, bytes. */
const MAX_REPLY_BYTES = 64 * MIB;

const encoder = new TextEncoder();

/** What questions to an upstream are asked with. */
export interface QuestionParts {
  /** Asks. */
  readonly http: HttpClient;
  /** Measures. */
  readonly clock: Clock;
  /** For a connection, ms. */
  readonly connectTimeoutMs: number;
  /** Ends the questions. */
  readonly signal: AbortSignal;
}

/** What a dialect must know of the upstream of a route, which it may ask short questions as long as the route lasts. */
export function factsOf(route: Route, parts: QuestionParts): UpstreamFacts {
  return {
    kind: route.to === "node" ? "ollama" : "llama-server",
    modelName: route.modelName,
    model: route.served,
    ask: (target, body) => ask(route, parts, target, body),
  };
}

async function ask(
  route: Route,
  { http, clock, connectTimeoutMs, signal: whole }: QuestionParts,
  target: string,
  body: unknown,
): Promise<UpstreamReply> {
  using deadline = new Deadline(clock, ANSWER_MS, {
    signal: route.lost ? AbortSignal.any([whole, route.lost]) : whole,
    reason: () => tooLate(route, target),
  });
  const { signal } = deadline;
  const response = await http.send(route.address, {
    ...postTo(route, target, encoder.encode(JSON.stringify(body))),
    signal,
    connectTimeoutMs,
  });
  const text = await response.body.text(MAX_REPLY_BYTES);
  route.reportBytes?.();
  return { status: response.status, value: jsonIn(text) };
}

function tooLate({ upstream }: Route, target: string): GatewayError {
  const message = `${upstream} did not answer ${target} within ${formatDuration(ANSWER_MS)}; ask again`;
  return new GatewayError("upstream_timeout", message);
}
