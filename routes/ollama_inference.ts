import { type Context, Hono } from "hono";
import type { Clock } from "../lib/clock.ts";
import type { Gateway } from "../lib/gateway.ts";
import { type AskedUnload, OLLAMA_REQUESTS } from "../lib/ollama_requests.ts";
import type { ModelUnloading } from "../lib/unload_model.ts";
import type { AppEnv } from "./app_env.ts";
import type { InferRoute } from "./infer.ts";
import { leftOf } from "./left_of.ts";
import { allow } from "./middleware/allow.ts";
import { ollamaCharset } from "./middleware/ollama_charset.ts";

/** What Ollama's routes for inference need. */
export interface OllamaInferenceParts {
  /** Answers what a model has to work for. */
  readonly inference: InferRoute;
  /** Unloads models. */
  readonly unloading: ModelUnloading;
  /** Knows which models a client may use. */
  readonly gateway: Pick<Gateway, "requirePermitted">;
  /** Time, told in answers. */
  readonly clock: Pick<Clock, "now">;
}

/** Ollama's chat, generate and embeddings, whatever content type their bodies are declared as. Mounted at `/`. */
export function ollamaInferenceRoutes(
  { inference, unloading, gateway, clock }: OllamaInferenceParts,
): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const unload = async (c: Context<AppEnv>, { unloads, answer }: AskedUnload) => {
    gateway.requirePermitted(unloads, c.get("client")?.access);
    const model = await unloading.unloadModel(unloads, { signal: leftOf(c) });
    return c.body(answer(model, clock.now()), 200, { "content-type": "application/json; charset=utf-8" });
  };
  for (const [path, decode] of Object.entries(OLLAMA_REQUESTS)) {
    routes.use(path, ollamaCharset());
    routes.post(path, async (c) => {
      const asked = decode(await inference.read(c));
      return "unloads" in asked ? await unload(c, asked) : await inference.ask(c, asked);
    });
    routes.all(path, allow("POST"));
  }
  return routes;
}
