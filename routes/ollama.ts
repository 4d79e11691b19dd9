import { Hono } from "hono";
import { ollamaTags } from "../lib/dialects/ollama_tags.ts";
import type { Gateway } from "../lib/gateway.ts";
import type { AppEnv } from "./app_env.ts";
import { allow } from "./middleware/allow.ts";
import { ollamaCharset } from "./middleware/ollama_charset.ts";

/** What of Ollama's own dialect is spoken: its list of models. Mounted at `/api`. */
export function ollamaRoutes(gateway: Pick<Gateway, "listModels">): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.use("/tags", ollamaCharset());
  routes.get("/tags", async (c) => c.json(ollamaTags(await gateway.listModels(c.get("client")?.access))));
  routes.all("/tags", allow("GET"));
  return routes;
}
