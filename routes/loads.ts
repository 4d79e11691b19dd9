import { Hono } from "hono";
import type { LoadStore } from "../lib/store/load_store.ts";
import type { AppEnv } from "./app_env.ts";
import { jsonAnswer } from "./json_answer.ts";
import { allow } from "./middleware/allow.ts";
import { readLimit } from "./read_limit.ts";

const LIMITS = { usual: 20, most: 1_000 };

/** What models were estimated to take, and what they took. Mounted at `/api/admin`, behind the API keys. */
export function loadRoutes(loads: Pick<LoadStore, "recent">): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.get(
    "/loads",
    (c) => jsonAnswer(c, { loads: loads.recent(readLimit(c.req.query("limit"), LIMITS)) }),
  );
  routes.all("/loads", allow("GET"));
  return routes;
}
