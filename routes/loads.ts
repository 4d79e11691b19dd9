import { Hono } from "hono";
import { GatewayError } from "../lib/errors.ts";
import type { LoadStore } from "../lib/store/load_store.ts";
import type { AppEnv } from "./app_env.ts";
import { jsonAnswer } from "./json_answer.ts";
import { allow } from "./middleware/allow.ts";

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 1_000;

/** What models were estimated to take, and what they took. Mounted at `/api/admin`, behind the API keys. */
export function loadRoutes(loads: Pick<LoadStore, "recent">): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.get("/loads", (c) => jsonAnswer(c, { loads: loads.recent(readLimit(c.req.query("limit"))) }));
  routes.all("/loads", allow("GET"));
  return routes;
}

function readLimit(text: string | undefined): number {
  if (text === undefined) return DEFAULT_LIMIT;
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAX_LIMIT) return limit;
  const message = `"limit" must be a whole number from 1 to ${MAX_LIMIT}`;
  throw new GatewayError("invalid_request", message, { field: "limit" });
}
