import { deepEqual } from "node:assert/strict";
import type { AppParts } from "../../../lib/app_parts.ts";
import { openapiDocument } from "../../../lib/openapi/document.ts";
import { createApp } from "../../../routes/app.ts";

/** Whoever mounts routes needs no more: nothing is asked before there is a request. */
function mountedApp() {
  const listen = { hostname: "127.0.0.1", port: 0 };
  const config = { listen, origins: [] };
  const parts = new Proxy({ config, closing: AbortSignal.any([]), version: "0" } as Record<string, unknown>, {
    get: (known, name) => typeof name === "string" ? known[name] ??= {} : undefined,
  });
  return createApp(parts as unknown as AppParts);
}

/** A route's path as OpenAPI writes it: `/models/:id{.+}` is `/models/{id}`. */
function documentedPath(path: string): string {
  return path.replaceAll(/:(\w+)(?:\{([^}]*)\})?\??/g, (_all, name: string, pattern = "") => {
    const suffix = /^\.\+(\/[a-z]+)$/.exec(pattern)?.[1] ?? "";
    return `{${name}}${suffix}`;
  });
}

const mounted = new Set(
  mountedApp().routes
    .filter(({ method }) => method !== "ALL") // middleware, and who refuses other methods
    .map(({ method, path }) => `${method} ${documentedPath(path)}`),
);
const documented = new Set(
  Object.entries(openapiDocument("0").paths)
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`)),
);

/** Hono answers HEAD by the route for GET; the document need not tell both. */
function withoutHead(routes: ReadonlySet<string>): string[] {
  return [...routes].map((route) => route.replace(/^HEAD /, "GET ")).toSorted();
}

Deno.test("every route that is mounted is in the document", () => {
  const told = new Set(withoutHead(documented));
  deepEqual([...new Set(withoutHead(mounted))].filter((route) => !told.has(route)), []);
});

Deno.test("every route in the document is mounted", () => {
  const known = new Set(withoutHead(mounted));
  deepEqual(withoutHead(documented).filter((route) => !known.has(route)), []);
});
