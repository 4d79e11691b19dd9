import { Hono } from "hono";
import type { AppEnv } from "./app_env.ts";
import { allow } from "./middleware/allow.ts";

/** The words by which Ollama's clients know that it is there. Mounted at `/`. */
export function ollamaAliveRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.get("/", (c) => c.text("Ollama is running"));
  routes.all("/", allow("GET", "HEAD"));
  return routes;
}
