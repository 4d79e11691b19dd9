import { Hono } from "hono";
import {
  decodeUtilityEnvelope,
  UTILITY_TARGETS,
  utilityExchange,
  type UtilityTarget,
} from "../lib/dialects/llama_utility_request.ts";
import { openaiDialect } from "../lib/dialects/openai_dialect.ts";
import type { AskedInference } from "../lib/gateway.ts";
import type { LoadedLook } from "../lib/router/loaded_look.ts";
import type { AppEnv } from "./app_env.ts";
import type { InferRoute } from "./infer.ts";
import { leftOf } from "./left_of.ts";
import { allow } from "./middleware/allow.ts";
import { readModelName } from "./routing.ts";

/**
 * llama-server's own endpoints, by the model's name: what they compute starts a coordinator if need be, what they show is
 * shown of one that has its model loaded. Mounted at `/`.
 */
export function llamaServerRoutes(inference: InferRoute, loaded: Pick<LoadedLook, "look">): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  for (const target of UTILITY_TARGETS) {
    routes.post(target, (c) => inference.answer(c, (body) => askedUtility(target, body)));
    routes.all(target, allow("POST"));
  }
  for (const target of ["/props", "/slots"] as const) {
    routes.get(target, async (c) => c.json(await loaded.look(target, readModelName(c), leftOf(c)) as object));
    routes.all(target, allow("GET"));
  }
  return routes;
}

function askedUtility(target: UtilityTarget, body: Uint8Array<ArrayBuffer>): AskedInference {
  const envelope = decodeUtilityEnvelope(target, body);
  const { model, stream, keepAliveMs } = envelope;
  return {
    ...{ model, stream, keepAliveMs, dialect: openaiDialect, only: "llama-server" },
    task: target === "/infill" ? "completion" : "utility",
    bodyBytes: body.byteLength,
    exchange: utilityExchange(target, body, envelope),
  };
}
