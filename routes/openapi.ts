import { Hono } from "hono";
import { openapiDocument } from "../lib/openapi/document.ts";
import { htmlPage } from "../lib/openapi/html_page.ts";
import type { AppEnv } from "./app_env.ts";
import { allow } from "./middleware/allow.ts";

/**
 * What is served, for programs and for people. Mounted at `/`, before the API keys are asked for: it tells nothing of
 * this gateway but its version.
 */
export function openapiRoutes(version: string): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  let known: { readonly json: string; readonly page: string } | undefined;
  const told = () => known ??= render(version); // most gateways are never asked

  routes.get("/openapi.json", (c) => c.body(told().json, 200, { "content-type": "application/json" }));
  routes.all("/openapi.json", allow("GET"));

  routes.get("/docs", (c) => c.body(told().page, 200, PAGE_HEADERS));
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

function render(version: string): { json: string; page: string } {
  const document = openapiDocument(version);
  return { json: JSON.stringify(document), page: htmlPage(document) };
}
