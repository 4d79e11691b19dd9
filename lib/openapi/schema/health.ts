import * as z from "zod";
import { component } from "./component.ts";
import { coordinatorState, verifiedPlacement } from "./coordinators.ts";
import { nodeSummary } from "./nodes.ts";
import { backendView } from "./rpc_backends.ts";

const externalView = z.object({
  url: z.string().describe("As it was configured."),
  health: z.enum(["unknown", "up", "loading", "down"]).describe("How it is."),
  reason: z.string().describe("Why that is so."),
  models: z.array(z.string()).describe("What it serves, as far as it is known."),
  inFlightCount: z.int().describe("Requests of ours that it is at work on."),
  slotCount: z.int().optional().describe("Requests that it computes at once, if it told."),
  ageMs: z.number().optional().describe("Since when that is known, ms ago."),
});

export const health = component(
  "Health",
  z.object({
    status: z.literal("ok").describe("It runs."),
    version: z.string().describe("Of sollol."),
    mode: z.enum(["single", "sharding", "distribution", "hybrid"]).optional()
      .describe("Whether models are sharded, and requests distributed over nodes."),
    inFlightCount: z.int().optional().describe("Requests that have not ended."),
    waitingCount: z.int().optional().describe("Of these, those that wait for a slot or for a model."),
    nodes: z.array(nodeSummary).optional().describe("The Ollama nodes."),
    coordinators: z.array(z.object({
      ...coordinatorState,
      placement: verifiedPlacement.optional().describe("Where its layers are, once it is ready."),
    })).optional().describe("Our own coordinators."),
    rpcBackends: z.array(backendView).optional().describe("The rpc backends."),
    externalCoordinators: z.array(externalView).optional().describe("Coordinators that somebody else runs."),
    restartNeeded: z.string().optional()
      .describe(
        "Why the gateway should be restarted, such as after its program was replaced; absent if it should not.",
      ),
  }).describe(
    "How the gateway is. Who shows no API key, where one is wanted, is told status and version only.",
  ),
);
