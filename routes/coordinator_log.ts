import { type Context, Hono } from "hono";
import type { CoordinatorAdmin } from "../lib/coordinator_admin.ts";
import { GatewayError } from "../lib/errors.ts";
import type { SseEvent } from "../lib/stream/sse_event.ts";
import type { AppEnv } from "./app_env.ts";
import { targetOf } from "./coordinator_target.ts";
import { eventStream } from "./event_stream.ts";
import type { LongAnswerSettings } from "./long_answer.ts";
import { allow } from "./middleware/allow.ts";
import { readFlag } from "./read_flag.ts";

const LOG_PATH = "/coordinators/:target{.+/log}";
const DEFAULT_TAIL = 200;
const MAX_TAIL = 10_000;

/** What coordinators have written. Mounted at `/api/admin`, behind the API keys, before the coordinators themselves. */
export function coordinatorLogRoutes(
  admin: Pick<CoordinatorAdmin, "getCoordinator" | "readLog">,
  settings: LongAnswerSettings,
): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.get(LOG_PATH, async (c) => {
    const tail = readTail(c);
    const { id } = admin.getCoordinator(targetOf(c, "/log"));
    if (readFlag(c, "follow", { otherwise: false })) {
      const follow = (signal: AbortSignal) => admin.readLog(id, { tail, follow: true, signal });
      return eventStream(c, (signal) => toEvents(follow(signal)), settings);
    }
    const { signal } = c.req.raw;
    return c.text(await joinLines(admin.readLog(id, { tail, follow: false, signal })));
  });
  routes.all(LOG_PATH, allow("GET"));
  return routes;
}

function readTail(c: Context<AppEnv>): number {
  const text = c.req.query("tail");
  if (text === undefined) return DEFAULT_TAIL;
  const tail = /^\d{1,5}$/.test(text) ? Number(text) : Infinity;
  if (tail <= MAX_TAIL) return tail;
  const message = `"tail" must be a whole number from 0 to ${MAX_TAIL}`;
  throw new GatewayError("invalid_request", message, { field: "tail" });
}

async function* toEvents(lines: AsyncIterable<string>): AsyncGenerator<SseEvent, void> {
  for await (const data of lines) yield { type: "message", data };
}

async function joinLines(lines: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const line of lines) text += `${line}\n`;
  return text;
}
