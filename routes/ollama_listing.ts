import { type Context, Hono } from "hono";
import { type Clock, systemClock } from "../lib/clock.ts";
import { decodeOllamaShow } from "../lib/dialects/ollama_orders.ts";
import { ollamaProcesses } from "../lib/dialects/ollama_ps.ts";
import type { Gateway } from "../lib/gateway.ts";
import type { OllamaListing } from "../lib/ollama_listing.ts";
import type { ModelShow } from "../lib/show_model.ts";
import type { AppEnv } from "./app_env.ts";
import { leftOf } from "./left_of.ts";
import { allow } from "./middleware/allow.ts";
import { ollamaCharset } from "./middleware/ollama_charset.ts";
import { REQUEST_ID_HEADER } from "./middleware/identify.ts";
import { readBody } from "./read_body.ts";

/** What {@linkcode ollamaListingRoutes} answers from. */
export interface OllamaListingRoutesParts {
  /** What is in memory, and which Ollama we pass for. */
  readonly listing: Pick<OllamaListing, "version" | "running">;
  /** What is known of a model. */
  readonly show: Pick<ModelShow, "show">;
  /** The most bytes that a body may have; read at each request. */
  readonly maxBodyBytes: () => number;
  /** Knows which models a client may use. */
  readonly gateway: Pick<Gateway, "isPermitted" | "requirePermitted">;
  /** Time. Default: the host's. */
  readonly clock?: Clock;
}

/** Models of Ollama's cloud are none of ours, so it is told to be switched off. */
const STATUS = { cloud: { disabled: true, source: "config" } };

const PATHS = ["/version", "/status", "/ps", "/show"];

/** What Ollama tells of itself and of its models: version, status, ps, show. Mounted at `/api`. */
export function ollamaListingRoutes(
  { listing, show, maxBodyBytes, gateway, clock = systemClock }: OllamaListingRoutesParts,
): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  for (const path of PATHS) routes.use(path, ollamaCharset());
  routes.get("/version", (c) => answer(c, JSON.stringify({ version: listing.version })));
  routes.all("/version", allow("GET", "HEAD"));

  routes.get("/status", (c) => answer(c, JSON.stringify(STATUS)));
  routes.all("/status", allow("GET"));

  routes.get("/ps", async (c) => {
    const access = c.get("client")?.access;
    const running = await listing.running(leftOf(c));
    const shown = running.filter(({ name }) => gateway.isPermitted(name, access));
    return answer(c, JSON.stringify(ollamaProcesses(shown, clock.now())));
  });
  routes.all("/ps", allow("GET"));

  routes.post("/show", async (c) => {
    const asked = decodeOllamaShow(await readBody(c.req.raw, maxBodyBytes()));
    gateway.requirePermitted(asked.model, c.get("client")?.access);
    return answer(c, await show.show({ ...asked, userAgent: c.req.header("user-agent") }, leftOf(c)));
  });
  routes.all("/show", allow("POST"));
  return routes;
}

function answer(c: Context<AppEnv>, json: string | Uint8Array<ArrayBuffer>): Response {
  const type = "application/json; charset=utf-8";
  return c.body(json, 200, { "content-type": type, [REQUEST_ID_HEADER]: c.get("requestId") });
}
