import { type Context, Hono } from "hono";
import type { BackendAdmin } from "../lib/backend_admin.ts";
import { GatewayError } from "../lib/errors.ts";
import { backendRegistration } from "../lib/rpc/backend_registration.ts";
import { type Endpoint, formatEndpoint, parseEndpoint } from "../lib/rpc/endpoint.ts";
import type { AppEnv } from "./app_env.ts";
import { jsonAnswer } from "./json_answer.ts";
import { allow } from "./middleware/allow.ts";
import { readJson } from "./read_json.ts";

/** A registration has a few short fields. */
const MAX_BODY_BYTES = 16 * 1024;

/** The operator's view of the rpc backends. Mounted at `/api/admin`, behind the API keys. */
export function adminRoutes(admin: BackendAdmin): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/rpc-backends", (c) => jsonAnswer(c, { backends: admin.listBackends() }));

  routes.post("/rpc-backends", async (c) => {
    const body = { schema: backendRegistration, maxBytes: MAX_BODY_BYTES };
    const { endpoint, limits } = await readJson(c.req.raw, body);
    const isNew = !isKnown(admin, endpoint);
    return jsonAnswer(c, await admin.addBackend(endpoint, limits), isNew ? 201 : 200);
  });

  routes.delete("/rpc-backends", (c) => remove(c, admin, c.req.query("endpoint")));
  routes.all("/rpc-backends", allow("GET", "POST", "DELETE"));

  routes.delete("/rpc-backends/:endpoint{.+}", (c) => remove(c, admin, c.req.param("endpoint")));
  routes.all("/rpc-backends/:endpoint{.+}", allow("DELETE"));

  routes.get("/workers", (c) => jsonAnswer(c, { workers: admin.listWorkers() }));
  routes.all("/workers", allow("GET"));

  return routes;
}

function isKnown(admin: BackendAdmin, endpoint: Endpoint): boolean {
  const name = formatEndpoint(endpoint);
  return admin.listBackends().some((known) => known.endpoint === name || known.aliases.includes(name));
}

function remove(c: Context<AppEnv>, admin: BackendAdmin, text: string | undefined): Response {
  const endpoint = readEndpoint(text ?? "");
  const { outcome, reason } = admin.removeBackend(endpoint);
  const status = outcome === "removed" ? 200 : 202;
  return jsonAnswer(c, { endpoint: formatEndpoint(endpoint), outcome, reason }, status);
}

function readEndpoint(text: string): Endpoint {
  try {
    return parseEndpoint(text);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new GatewayError("invalid_request", cause.message, { cause, field: "endpoint" });
  }
}
