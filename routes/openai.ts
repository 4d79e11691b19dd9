import { Hono } from "hono";
import { type ModelCard, modelCard, modelList } from "../lib/dialects/openai.ts";
import type { Gateway } from "../lib/gateway.ts";
import type { RoutedModel } from "../lib/router/model_listing.ts";
import { askedResponse, OPENAI_REQUESTS } from "../lib/openai_requests.ts";
import type { AppEnv } from "./app_env.ts";
import type { InferRoute } from "./infer.ts";
import { allow } from "./middleware/allow.ts";
import { rerankRoutes } from "./rerank.ts";

/** The OpenAI dialect: chat, completions, embeddings, responses, rankings and models. Mounted at `/v1`. */
export function openaiRoutes(gateway: Gateway, inference: InferRoute): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  for (const [target, decode] of Object.entries(OPENAI_REQUESTS)) {
    const path = target.slice("/v1".length);
    routes.post(path, (c) => inference.answer(c, decode));
    routes.all(path, allow("POST"));
  }

  routes.post("/responses", (c) => inference.answer(c, askedResponse));
  routes.all("/responses", allow("POST"));

  routes.route("/", rerankRoutes(inference));

  routes.get("/models", async (c) => {
    const models = await gateway.listModels(c.get("client")?.access);
    return c.json(modelList(models.map(toCard)));
  });
  routes.all("/models", allow("GET"));

  // Names hold slashes (hf.co/user/repo:tag), so the id is all the rest of the path.
  routes.get(
    "/models/:id{.+}",
    async (c) => {
      const options = { access: c.get("client")?.access, signal: c.req.raw.signal };
      return c.json(toCard(await gateway.getModel(c.req.param("id"), options)));
    },
  );
  routes.all("/models/:id{.+}", allow("GET"));

  return routes;
}

function toCard(model: RoutedModel): ModelCard {
  const { name, modifiedAtMs, keptBy, isAvailable, unavailableBecause, goesTo, holders, aliasOf } = model;
  return modelCard(name, modifiedAtMs, OWNERS[keptBy], {
    available: isAvailable,
    because: unavailableBecause,
    goes_to: goesTo,
    nodes: holders,
    alias_of: aliasOf,
  });
}

const OWNERS = { store: "sollol", node: "ollama", external: "external" } as const;
