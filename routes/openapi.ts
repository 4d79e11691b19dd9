import { Hono } from "hono";
import type { AppEnv } from "./app_env.ts";
import { allow } from "./middleware/allow.ts";

/**
 * What is served, for programs and for people. Mounted at `/`, before the API keys are asked for: it tells nothing of
 * this gateway but its version.
 */
export function openapiRoutes(version: string): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  let known: Promise<Rendered> | undefined;
  const told = () => known ??= render(version); // most gateways are never asked

  routes.get(
    "/openapi.json",
    async (c) => c.body((await told()).json, 200, { "content-type": "application/json" }),
  );
  routes.all("/openapi.json", allow("GET"));

  routes.get("/docs", async (c) => c.body((await told()).page, 200, PAGE_HEADERS));
  routes.all("/docs", allow("GET"));

  return routes;
}

const PAGE_HEADERS = {
  "content-type": "text/html; charset=utf-8",
  // Nothing is loaded, nothing runs, nobody frames it.
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

interface Rendered {
  readonly json: string;
  readonly page: string;
}

/** Loads what it needs only now: its schemas are a tenth of the program. */
async function render(version: string): Promise<Rendered> {
  const [{ openapiDocument }, { htmlPage }] = await Promise.all([
    import("../lib/openapi/document.ts"),
    import("../lib/openapi/html_page.ts"),
  ]);
  const document = openapiDocument(version);
  return { json: JSON.stringify(document), page: htmlPage(document) };
}
