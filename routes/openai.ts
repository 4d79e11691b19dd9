import { Hono } from "hono";
import { type ModelCard, modelCard } from "../lib/dialects/openai.ts";
import { decodeChatEnvelope } from "../lib/dialects/openai_request.ts";
import type { Gateway } from "../lib/gateway.ts";
import type { ModelEntry } from "../lib/router/catalog.ts";
import { toResponse } from "./answer.ts";
import type { AppEnv } from "./app_env.ts";
import { allow } from "./middleware/allow.ts";
import { readBody } from "./read_body.ts";
import { readDemand } from "./read_demand.ts";

/** The OpenAI dialect: chat completions and models. Mounted at `/v1`. */
export function openaiRoutes(
  gateway: Gateway,
  { maxBodyBytes }: { maxBodyBytes: () => number },
): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.post("/chat/completions", async (c) => {
    const { signal } = c.req.raw;
    const body = await readBody(c.req.raw, maxBodyBytes());
    const envelope = decodeChatEnvelope(body);
    const id = c.get("requestId");
    c.set("isRecorded", true);
    const { keepAliveMs = envelope.keepAliveMs, ...demand } = readDemand(c.req.raw.headers);
    const target = "/v1/chat/completions";
    const answer = await gateway.infer({
      ...envelope,
      ...demand,
      task: "chat",
      keepAliveMs,
      id,
      target,
      body,
      signal,
    });
    return toResponse(answer, id);
  });
  routes.all("/chat/completions", allow("POST"));

  routes.get("/models", async (c) => {
    const models = await gateway.listModels();
    return c.json({ object: "list", data: models.map(toCard) });
  });
  routes.all("/models", allow("GET"));

  // Names hold slashes (hf.co/user/repo:tag), so the id is all the rest of the path.
  routes.get(
    "/models/:id{.+}",
    async (c) => c.json(toCard(await gateway.getModel(c.req.param("id"), c.req.raw.signal))),
  );
  routes.all("/models/:id{.+}", allow("GET"));

  return routes;
}

function toCard({ name, modifiedAtMs, keptBy }: ModelEntry): ModelCard {
  return modelCard(name, modifiedAtMs, keptBy === "store" ? "sollol" : "external");
}
