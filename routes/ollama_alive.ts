import { Hono } from "hono";
import type { AppEnv } from "./app_env.ts";
import { allow } from "./middleware/allow.ts";

/** As Ollama writes it. */
const PLAIN = { "content-type": "text/plain; charset=utf-8" };

/** The words by which Ollama's clients know that it is there. Mounted at `/`. */
export function ollamaAliveRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.get("/", (c) => c.text("Ollama is running", 200, PLAIN));
  routes.all("/", allow("GET", "HEAD"));
  return routes;
}
