import { type Context, Hono } from "hono";
import { type ModelCard, modelCard } from "../lib/dialects/openai.ts";
import {
  decodeChatEnvelope,
  decodeCompletionEnvelope,
  decodeEmbeddingEnvelope,
} from "../lib/dialects/openai_request.ts";
import type { Gateway, GatewayRequest, RoutedModel } from "../lib/gateway.ts";
import type { Task } from "../lib/router/decision.ts";
import { toResponse } from "./answer.ts";
import type { AppEnv } from "./app_env.ts";
import { leftOf } from "./left_of.ts";
import { allow } from "./middleware/allow.ts";
import { readBody } from "./read_body.ts";
import { readDemand } from "./read_demand.ts";

/** What of a request its body tells. */
type Envelope =
  & Pick<GatewayRequest, "model" | "stream" | "keepAliveMs">
  & Partial<Pick<GatewayRequest, "turns" | "inputs">>;

/** The OpenAI dialect: chat, completions, embeddings and models. Mounted at `/v1`. */
export function openaiRoutes(
  gateway: Gateway,
  { maxBodyBytes }: { maxBodyBytes: () => number },
): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const infer = async (c: Context<AppEnv>, task: Task, decode: (body: Uint8Array) => Envelope) => {
    const signal = leftOf(c);
    const body = await readBody(c.req.raw, maxBodyBytes());
    const envelope = decode(body);
    const id = c.get("requestId");
    c.set("isRecorded", true);
    const { keepAliveMs = envelope.keepAliveMs, ...demand } = readDemand(c.req.raw.headers);
    const target = `/v1${TARGETS[task]}`;
    const answer = await gateway.infer({
      ...envelope,
      ...demand,
      task,
      keepAliveMs,
      id,
      target,
      body,
      signal,
    });
    return toResponse(answer, id);
  };

  routes.post(TARGETS.chat, (c) => infer(c, "chat", decodeChatEnvelope));
  routes.all(TARGETS.chat, allow("POST"));

  routes.post(TARGETS.completion, (c) => infer(c, "completion", decodeCompletionEnvelope));
  routes.all(TARGETS.completion, allow("POST"));

  routes.post(TARGETS.embedding, (c) => infer(c, "embedding", decodeEmbeddingEnvelope));
  routes.all(TARGETS.embedding, allow("POST"));

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

const TARGETS = {
  chat: "/chat/completions",
  completion: "/completions",
  embedding: "/embeddings",
} as const satisfies Record<Task, string>;

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
