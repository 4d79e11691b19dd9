import { type Context, Hono } from "hono";
import {
  decodeUtilityEnvelope,
  UTILITY_TARGETS,
  utilityExchange,
  type UtilityTarget,
} from "../lib/dialects/llama_utility_request.ts";
import { openaiDialect } from "../lib/dialects/openai_dialect.ts";
import { GatewayError } from "../lib/errors.ts";
import type { AskedInference, Gateway } from "../lib/gateway.ts";
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
export function llamaServerRoutes(
  inference: InferRoute,
  loaded: Pick<LoadedLook, "look">,
  gateway: Pick<Gateway, "requirePermitted">,
): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  for (const target of UTILITY_TARGETS) {
    routes.post(target, (c) => inference.answer(c, (body) => askedUtility(target, body)));
    routes.all(target, allow("POST"));
  }
  for (const target of ["/props", "/slots"] as const) {
    routes.get(target, async (c) => {
      const model = permittedModelName(c, gateway);
      return c.json(await loaded.look(target, model, leftOf(c)) as object);
    });
    routes.all(target, allow("GET"));
  }
  return routes;
}

/** Whose key is for some models only must say which one: the only one that is loaded may be another. */
function permittedModelName(
  c: Context<AppEnv>,
  gateway: Pick<Gateway, "requirePermitted">,
): string | undefined {
  const model = readModelName(c);
  const access = c.get("client")?.access;
  gateway.requirePermitted(model, access);
  if (model !== undefined || access === undefined) return model;
  const message = `The key "${access.keyName}" is for some models only; name one of them: ?model=NAME`;
  throw new GatewayError("invalid_request", message, { field: "model" });
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
