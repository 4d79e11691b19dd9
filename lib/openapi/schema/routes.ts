import * as z from "zod";
import { component } from "./component.ts";

export const route = component(
  "Route",
  z.object({
    model: z.string().describe("The model that is meant, aliases resolved."),
    to: z.enum(["node", "line", "wake", "external", "coordinator", "nowhere"]).describe(
      "What kind of upstream.",
    ),
    upstream: z.string().nullable().describe("The node's name, where it is one node."),
    code: z.string().nullable().describe("Of the refusal, if it would be refused."),
    because: z.string().describe("Why."),
    candidates: z.array(z.object({
      kind: z.enum(["node", "external", "sharded", "local"]).describe("What it is."),
      name: z.string().describe("Its name."),
      isPossible: z.boolean().describe("Whether it could serve the request."),
      isChosen: z.boolean().describe("Whether the request goes there."),
      because: z.string().describe("What speaks for or against it."),
    })).describe("All that it could have gone to."),
    fallbacks: z.array(z.string()).describe("Models that would be asked instead if it has no capacity."),
    answeredBy: z.string().nullable().describe("Of these, the one that would answer."),
  }).describe("Where a request would go now."),
);

export const decisions = component(
  "Decisions",
  z.object({
    decisions: z.array(z.object({
      at: z.string().describe("When it was over, ISO 8601."),
      requestId: z.string().describe("As x-sollol-request-id tells it."),
      task: z.string().describe("What kind of work it was."),
      model: z.string().nullable().describe("As its client named it."),
      to: z.string().nullable().describe("What kind of upstream was asked last."),
      upstream: z.string().nullable().describe("Its name."),
      because: z.string().nullable().describe("Why it went there."),
      attemptCount: z.int().describe("Upstreams asked."),
      outcome: z.enum(["ok", "refused", "failed", "client_closed"]).describe("How it ended."),
      status: z.int().describe("HTTP status."),
      queueMs: z.number().nullable().describe("Waited for others' work, ms."),
      loadMs: z.number().nullable().describe("Waited for its model to load, ms."),
      durationMs: z.number().describe("From its arrival to the end of its answer, ms."),
      error: z.string().nullable().describe("What it failed with."),
    })).describe("The newest first."),
  }).describe("Where the last requests went."),
);
