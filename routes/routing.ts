import { type Context, Hono } from "hono";
import { GatewayError } from "../lib/errors.ts";
import type { Gateway } from "../lib/gateway.ts";
import { KEPT_DECISIONS } from "../lib/router/decision_log.ts";
import { LLAMA_SERVER_TASKS, type Task, TASKS } from "../lib/router/decision.ts";
import { toRouteReport } from "../lib/router/route_report.ts";
import type { AppEnv } from "./app_env.ts";
import { jsonAnswer } from "./json_answer.ts";
import { allow } from "./middleware/allow.ts";
import { parseWish } from "./read_demand.ts";
import { readLimit } from "./read_limit.ts";

const LIMITS = { usual: 50, most: KEPT_DECISIONS };

/** Where requests would go, and where the last ones went. Mounted at `/api/admin`, behind the API keys. */
export function routingRoutes(gateway: Pick<Gateway, "explainRoute" | "listDecisions">): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/route", async (c) => {
    const task = readTask(c);
    const only = LLAMA_SERVER_TASKS.has(task) ? "llama-server" as const : undefined;
    const question = { task, only, wish: readWish(c), signal: c.req.raw.signal };
    return jsonAnswer(c, toRouteReport(await gateway.explainRoute(readModelName(c), question)));
  });
  routes.all("/route", allow("GET"));

  routes.get("/decisions", (c) => {
    const model = c.req.query("model");
    const decisions = gateway.listDecisions({
      limit: readLimit(c.req.query("limit"), LIMITS),
      ...(model !== undefined && { matches: (decision) => decision.model === model }),
    });
    return jsonAnswer(c, { decisions });
  });
  routes.all("/decisions", allow("GET"));

  return routes;
}

/** The longest name that requests may give. */
const MAX_NAME_LENGTH = 1_024;

/** The model that `?model=` names, if it does. @throws {GatewayError} `invalid_request` if nothing is called so. */
export function readModelName(c: Context<AppEnv>): string | undefined {
  const name = c.req.query("model");
  if (name === undefined || name.length <= MAX_NAME_LENGTH) return name;
  const message = `A model's name has at most ${MAX_NAME_LENGTH} characters, and this one has ${name.length}`;
  throw new GatewayError("invalid_request", message, { field: "model" });
}

function readWish(c: Context<AppEnv>): string | undefined {
  const text = c.req.query("route");
  try {
    return text === undefined ? undefined : parseWish(text);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new GatewayError("invalid_request", `"route" is not right: ${cause.message}`, {
      cause,
      field: "route",
    });
  }
}

function readTask(c: Context<AppEnv>): Task {
  const said = c.req.query("task") ?? "chat";
  const task = TASKS.find((known) => known === said);
  if (task) return task;
  const message = `"${said.slice(0, 40)}" is no task; write one of ${TASKS.join(", ")}`;
  throw new GatewayError("invalid_request", message, { field: "task" });
}
