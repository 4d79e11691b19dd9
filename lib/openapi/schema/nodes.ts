import * as z from "zod";
import { nodeRegistration } from "../../nodes/node_registration.ts";
import { component, schemaOf } from "./component.ts";

export const newNode = component(
  "NewNode",
  schemaOf(nodeRegistration).describe("An Ollama node that is to be known, and what is said of it."),
);

const state = {
  name: z.string().describe("What it is called; unique."),
  url: z.string().describe("Where it is."),
  aliases: z.array(z.string()).describe("Other addresses of the same node."),
  sources: z.array(z.enum(["config", "environment", "admin", "local"])).describe("Who told of it."),
  isLocal: z.boolean().describe("Whether it runs on the host of this gateway."),
  health: z.enum(["unknown", "up", "down"]).describe("Whether it answers its checks."),
  reason: z.string().describe("Why that is so."),
  ageMs: z.number().nullish().describe("Since when that is known, ms ago."),
  breaker: z.enum(["closed", "open", "half-open"]).describe(
    "What live traffic says: requests go there; too many failed of late; one goes there as a trial.",
  ),
  version: z.string().nullish().describe("Ollama's own, such as 0.33.0."),
  inFlightCount: z.int().describe("Requests of ours that it has."),
  slotCount: z.int().describe("Most requests that it gets at a time."),
  weight: z.number().describe("How much more than others it is given, usually 1."),
  tags: z.array(z.string()).describe("What it is called to route by."),
  allowedModels: z.array(z.string()).describe("Patterns of the models that it may serve; empty for all."),
  memoryBytes: z.number().nullish().describe("Its memory for models, bytes."),
  firstTokenMs: z.number().nullish().describe("Moving average of the time to the first token, ms."),
  servedCount: z.int().describe("Requests that it answered whole."),
  failedCount: z.int().describe("Requests that it failed."),
  canWake: z.boolean().describe("Whether it can be woken."),
};

export const nodeSummary = component(
  "NodeSummary",
  z.object({
    ...state,
    modelCount: z.int().describe("Models that it holds."),
    residentCount: z.int().describe("Models that it has in memory."),
    residentBytes: z.number().describe("Memory that these take, bytes."),
  }).describe("An Ollama node in few words."),
);

export const nodeView = component(
  "Node",
  z.object({
    ...state,
    models: z.array(z.object({
      key: z.string().describe("Equal for one model, whatever the spelling."),
      name: z.string().describe("As the node spells it."),
      digest: z.string().describe("SHA-256 of its manifest, hex."),
      sizeBytes: z.number().describe("On the disk, bytes."),
      quantization: z.string().nullable().describe("Such as Q4_K_M."),
      parameterSize: z.string().nullable().describe("Number of parameters for people: 8.0B."),
      family: z.string().nullable().describe("The architecture."),
      modifiedAtMs: z.number().describe("When it changed, ms since 1970; 0 where it is not known."),
      tokensPerSecond: z.number().nullable().describe("Moving average."),
    })).describe("What it holds."),
    resident: z.array(z.object({
      key: z.string().describe("Equal for one model, whatever the spelling."),
      name: z.string().describe("As the node spells it."),
      sizeBytes: z.number().describe("In memory, bytes."),
      vramBytes: z.number().describe("Of these, on GPUs, bytes."),
      expiresAtMs: z.number().nullable().describe(
        "When it is unloaded if nobody asks, ms since 1970; null for never.",
      ),
    })).describe("What it has in memory."),
  }).describe("An Ollama node."),
);

export const nodeList = component(
  "NodeList",
  z.object({ nodes: z.array(nodeView).describe("All of them, also those that are refused.") })
    .describe("The Ollama nodes with all that they hold."),
);

export const nodeSummaryList = component(
  "NodeSummaryList",
  z.object({
    nodes: z.array(nodeSummary).describe("All of them, also those that are refused."),
    conflicts: z.array(z.object({
      key: z.string().describe("The model's key."),
      name: z.string().describe("As one of the nodes spells it."),
      variants: z.array(z.object({
        digest: z.string().describe("SHA-256 of its manifest, hex."),
        nodes: z.array(z.string()).describe("Names of the nodes that hold it."),
      })).describe("The models of that name."),
    })).describe("Names under which nodes hold different models."),
  }).describe("The Ollama nodes in few words; with models=false."),
);

export const nodeRemoval = component(
  "NodeRemoval",
  z.object({
    name: z.string().describe("Which one."),
    outcome: z.literal("removed").describe("Always."),
    reason: z.string().describe("One sentence."),
  }).describe("What became of a wish to forget a node."),
);
