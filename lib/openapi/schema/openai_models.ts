import * as z from "zod";
import { component } from "./component.ts";

export const modelCard = component(
  "OpenaiModel",
  z.object({
    id: z.string().describe("The model's name, as requests give it."),
    object: z.literal("model").describe("What it is."),
    created: z.int().describe("Seconds since 1970; 0 where it is not known."),
    owned_by: z.enum(["sollol", "ollama", "external"]).describe(
      "Who keeps it: this gateway's store, an Ollama node, or a coordinator of others.",
    ),
    sollol: z.object({
      available: z.boolean().describe("Whether it can be served now."),
      because: z.string().optional().describe("Why not."),
      goes_to: z.string().optional().describe(
        "Where a request for it would go now: a node, or in words what else.",
      ),
      nodes: z.array(z.string()).describe("Names of the nodes that hold it."),
      alias_of: z.string().optional().describe("The model that this name stands for."),
    }).describe("Where it is, and whether it can be served."),
  }).describe("A model."),
);

export const modelList = component(
  "OpenaiModelList",
  z.object({
    object: z.literal("list").describe("What it is."),
    data: z.array(modelCard).describe("All models of nodes, coordinators and the store, aliases too."),
  }).describe("What can be asked for."),
);
