import { Hono } from "hono";
import * as z from "zod";
import { parsePlacement } from "../lib/config/placement_setting.ts";
import { parsedBy } from "../lib/parsed_by.ts";
import { KV_TYPES } from "../lib/llama_server/args.ts";
import type { PlanService } from "../lib/plan_service.ts";
import { parseAssumptions } from "../lib/planner/assume.ts";
import { formatEndpoint, parseEndpoint } from "../lib/rpc/endpoint.ts";
import type { AppEnv } from "./app_env.ts";
import { leftOf } from "./left_of.ts";
import { allow } from "./middleware/allow.ts";
import { jsonAnswer } from "./json_answer.ts";
import { readJson } from "./read_json.ts";

/** A question has a few short fields; 64 assumed backends are the longest of them. */
const MAX_BODY_BYTES = 64 * 1024;
const MAX_BACKENDS = 64;

const planQuestion = z.strictObject({
  model: z.string().min(1).max(512),
  context_size: z.int().min(1).optional(),
  slots: z.int().min(1).max(256).optional(),
  kv_type: z.enum(KV_TYPES).optional(),
  placement: z.string().max(4096).transform(parsedBy(parsePlacement)).optional(),
  assume: z.string().max(16_384).transform(parsedBy(parseAssumptions)).optional(),
  rpc_backends: z.array(
    z.string().max(300).transform(parsedBy((text) => formatEndpoint(parseEndpoint(text)))),
  )
    .min(1).max(MAX_BACKENDS).optional(),
}).transform((said) => ({
  model: said.model,
  contextSize: said.context_size,
  slotCount: said.slots,
  kvType: said.kv_type,
  strategy: said.placement,
  assumed: said.assume,
  onlyEndpoints: said.rpc_backends,
}));

/** What would happen if a model were loaded. Mounted at `/api/admin`, behind the API keys. */
export function planRoutes(plans: Pick<PlanService, "plan">): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.post("/plan", async (c) => {
    const question = await readJson(c.req.raw, { schema: planQuestion, maxBytes: MAX_BODY_BYTES });
    return jsonAnswer(c, await plans.plan(question, leftOf(c)));
  });
  routes.all("/plan", allow("POST"));
  return routes;
}
