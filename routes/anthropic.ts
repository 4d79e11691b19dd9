import { Hono } from "hono";
import { anthropicDialect } from "../lib/dialects/anthropic_dialect.ts";
import { anthropicExchange } from "../lib/dialects/anthropic_exchange.ts";
import {
  decodeCountTokens,
  type DecodedMessages,
  decodeMessages,
} from "../lib/dialects/anthropic_request.ts";
import { countTokensExchange } from "../lib/dialects/anthropic_tokens.ts";
import type { ExchangeFor } from "../lib/dialects/exchange.ts";
import type { AskedInference } from "../lib/gateway.ts";
import type { AppEnv } from "./app_env.ts";
import type { InferRoute } from "./infer.ts";
import { allow } from "./middleware/allow.ts";

/** Anthropic's dialect: messages, and counting their tokens. Mounted at `/v1`. */
export function anthropicRoutes(inference: InferRoute): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.post("/messages", (c) =>
    inference.answer(c, (body) => {
      const decoded = decodeMessages(body);
      return asked(body, decoded, anthropicExchange(body, decoded, c.get("requestId")));
    }));
  routes.all("/messages", allow("POST"));

  routes.post("/messages/count_tokens", (c) =>
    inference.answer(c, (body) => {
      const decoded = decodeCountTokens(body);
      return asked(body, decoded, countTokensExchange(body, decoded));
    }));
  routes.all("/messages/count_tokens", allow("POST"));

  return routes;
}

function asked(
  { byteLength: bodyBytes }: Uint8Array,
  { model, stream, keepAliveMs, turns }: DecodedMessages,
  exchange: ExchangeFor,
): AskedInference {
  return { task: "chat", dialect: anthropicDialect, model, stream, keepAliveMs, turns, bodyBytes, exchange };
}
