import { type Context, Hono } from "hono";
import type { ClientLimits } from "../lib/auth/client_limits.ts";
import { ownerOf } from "../lib/auth/owner.ts";
import { GatewayError } from "../lib/errors.ts";
import type { Gateway } from "../lib/gateway.ts";
import type { SseEvent } from "../lib/stream/sse_event.ts";
import type { BatchService, TaskAnswer } from "../lib/tasks/batch.ts";
import type { AppEnv } from "./app_env.ts";
import { eventStream } from "./event_stream.ts";
import { heldUntilSent } from "./held_answer.ts";
import { jsonAnswer, jsonText } from "./json_answer.ts";
import type { LongAnswerSettings } from "./long_answer.ts";
import { leftOf } from "./left_of.ts";
import { allow } from "./middleware/allow.ts";
import { readRequests, type Requests } from "./read_requests.ts";

type Runner = Pick<BatchService, "runNow">;

/** How {@linkcode manyRoutes} answers. */
export interface ManyRoutesSettings extends LongAnswerSettings {
  /** A longer body is refused; asked at each request. */
  readonly maxBodyBytes: () => number;
  /** Knows which models a client may use. Default: all. */
  readonly gateway?: Pick<Gateway, "requirePermitted">;
  /** How many requests each client may make. Default: any number. */
  readonly limits?: Pick<ClientLimits, "admit">;
}

const EVERYBODY = { requirePermitted: () => {} };

/** Several requests at once, for a client that waits for them. Mounted at `/api`. */
export function manyRoutes(
  service: Runner,
  { maxBodyBytes, gateway = EVERYBODY, limits, ...settings }: ManyRoutesSettings,
): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.post("/batch", async (c) => {
    refuseRoute(c);
    const client = c.get("client");
    const { requests, stream } = await readRequests(c.req.raw, {
      maxBytes: maxBodyBytes(),
      clock: settings.clock,
      requirePermitted: (model) => gateway.requirePermitted(model, client?.access),
    });
    const place = client && limits ? limits.admit(client, requests.length) : undefined;
    const from = { id: c.get("requestId"), owner: ownerOf(client), concurrency: place?.placeCount };
    if (stream || wantsEvents(c)) {
      const events = eventStream(c, (signal) => tell(service, requests, { ...from, signal }), settings);
      return place ? heldUntilSent(events, place) : events;
    }
    using _place = place;
    return jsonAnswer(c, { results: await inOrder(service, requests, { ...from, signal: leftOf(c) }) });
  });
  routes.all("/batch", allow("POST"));
  return routes;
}

interface RunOptions {
  readonly id: string;
  readonly owner: string | undefined;
  readonly concurrency: number | undefined;
  readonly signal: AbortSignal;
}

/** What became of one of the requests. */
interface Result extends Pick<TaskAnswer, "status" | "upstream" | "body"> {
  readonly index: number;
}

async function inOrder(
  service: Runner,
  requests: Requests["requests"],
  options: RunOptions,
): Promise<readonly Result[]> {
  const results: Result[] = new Array(requests.length);
  for await (const { index, answer } of service.runNow(requests, options)) {
    results[index] = resultOf(index, answer);
  }
  return results;
}

async function* tell(
  service: Runner,
  requests: Requests["requests"],
  options: RunOptions,
): AsyncGenerator<SseEvent, void> {
  const total = requests.length;
  let done = 0;
  yield eventOf("progress", { done, total });
  for await (const { index, answer } of service.runNow(requests, options)) {
    yield eventOf("result", resultOf(index, answer));
    yield eventOf("progress", { done: ++done, total });
  }
  yield eventOf("done", { total });
}

function resultOf(index: number, { status, upstream, body }: TaskAnswer): Result {
  return { index, status, upstream, body };
}

function eventOf(type: string, value: unknown): SseEvent {
  return { type, data: jsonText(value) };
}

/** Who has reasons to name one upstream must not be answered by others. */
function refuseRoute(c: Context<AppEnv>): void {
  if (c.req.header("x-sollol-route") === undefined) return;
  const message = "The header x-sollol-route is for single requests; send them one by one, or leave it out";
  throw new GatewayError("invalid_request", message, { field: "x-sollol-route" });
}

function wantsEvents(c: Context<AppEnv>): boolean {
  return (c.req.header("accept") ?? "").toLowerCase().includes("text/event-stream");
}
