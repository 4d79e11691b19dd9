import type { UpstreamFacts, UpstreamReply } from "../dialects/exchange.ts";
import type { HttpClient } from "../http/client.ts";
import { MIB } from "../units.ts";
import { postTo, type Route } from "./route.ts";

/** The longest answer to a short question is a prompt as the template made it, bytes. */
const MAX_REPLY_BYTES = 64 * MIB;

const encoder = new TextEncoder();

/** What questions to an upstream are asked with. */
export interface QuestionParts {
  /** Asks. */
  readonly http: HttpClient;
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
  { http, connectTimeoutMs, signal }: QuestionParts,
  target: string,
  body: unknown,
): Promise<UpstreamReply> {
  const response = await http.send(route.address, {
    ...postTo(route, target, encoder.encode(JSON.stringify(body))),
    signal: route.lost ? AbortSignal.any([signal, route.lost]) : signal,
    connectTimeoutMs,
  });
  const text = await response.body.text(MAX_REPLY_BYTES);
  route.reportBytes?.();
  return { status: response.status, value: parsed(text) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
