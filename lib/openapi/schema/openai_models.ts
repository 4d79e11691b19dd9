import * as z from "zod";
import { component } from "./component.ts";

export const modelCard = component(
  "OpenaiModel",
  z.object({
    id: z.string().describe("The model's name, as requests give it."),
    object: z.literal("model").describe("What it is."),
    type: z.literal("model").describe("The same, in Anthropic's word."),
    display_name: z.string().describe("The same as its id, for Anthropic's clients."),
    created: z.int().describe("Seconds since 1970; 0 where it is not known."),
    created_at: z.string().describe("The same as text (RFC 3339), for Anthropic's clients."),
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
    has_more: z.literal(false).describe("There are no more pages, for Anthropic's clients."),
    first_id: z.string().nullable().describe("Of the first model, if there is one; for Anthropic's clients."),
    last_id: z.string().nullable().describe("Of the last model, if there is one; for Anthropic's clients."),
  }).describe("What can be asked for."),
);
