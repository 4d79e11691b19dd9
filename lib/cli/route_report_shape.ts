import * as z from "zod";
import type { JsonShape } from "../json_shape.ts";
import type { LoggedDecision } from "../router/decision_log.ts";
import type { RouteReport } from "../router/route_report.ts";
import { orUndefined } from "./or_undefined.ts";

const optionalText = z.string().nullish().transform(orUndefined);
const optionalNumber = z.number().nullish().transform(orUndefined);

/** How the gateway tells where a request would go. Fields of newer versions are left out. */
export const routeReportShape: JsonShape<RouteReport> = z.object({
  model: z.string(),
  to: z.enum(["node", "line", "wake", "external", "coordinator", "nowhere"]),
  upstream: optionalText,
  code: optionalText,
  because: z.string(),
  candidates: z.array(
    z.object({
      kind: z.enum(["node", "external", "sharded", "local"]),
      name: z.string(),
      isPossible: z.boolean(),
      isChosen: z.boolean(),
      because: z.string(),
    }),
  ),
  fallbacks: z.array(z.string()),
  answeredBy: optionalText,
});

const decision = z.object({
  at: z.string(),
  requestId: z.string(),
  task: z.enum(["chat", "completion", "embedding"]),
  model: optionalText,
  to: z.enum(["coordinator", "external", "node"]).nullish().transform(orUndefined),
  upstream: optionalText,
  because: optionalText,
  attemptCount: z.number(),
  outcome: z.enum(["ok", "refused", "failed", "client_closed"]),
  status: z.number(),
  queueMs: optionalNumber,
  loadMs: optionalNumber,
  durationMs: z.number(),
  error: optionalText,
});

/** How the gateway tells where its last requests went. Fields of newer versions are left out. */
export const loggedDecisionsShape: JsonShape<{ readonly decisions: readonly LoggedDecision[] }> = z.object({
  decisions: z.array(decision),
});
