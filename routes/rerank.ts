import { Hono } from "hono";
import { askedRanking } from "../lib/openai_requests.ts";
import type { AppEnv } from "./app_env.ts";
import type { InferRoute } from "./infer.ts";
import { allow } from "./middleware/allow.ts";

/** Rankings of texts, by both names that llama-server has for them. Mounted at `/v1`, and at `/`, where llama-server has them too. */
export function rerankRoutes(inference: InferRoute): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  for (const path of ["/rerank", "/reranking"]) {
    routes.post(path, (c) => inference.answer(c, askedRanking));
    routes.all(path, allow("POST"));
  }
  return routes;
}
