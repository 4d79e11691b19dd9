import * as z from "zod";
import { component } from "./component.ts";

const routingNote = component(
  "RoutingNote",
  z.object({
    backend: z.enum(["ollama-pool", "llama.cpp-distributed"]).describe(
      "ollama-pool: an Ollama node answered; llama.cpp-distributed: a coordinator did.",
    ),
    node: z.string().optional().describe("The node's name, if one answered."),
    coordinator_url: z.string().optional().describe(
      "Where the coordinator is, if one answered that has an address.",
    ),
    model: z.string().optional().describe("The model that answered, if it is called otherwise there."),
    attempts: z.int().describe("Upstreams that were asked."),
    queue_ms: z.number().describe("Waited for others' work, ms."),
    load_ms: z.number().describe("Waited for the model to load, ms."),
    duration_ms: z.number().describe("From the request's arrival until now, ms."),
    because: z.string().describe("Why it went there, one sentence."),
  }).describe("Where a request went; only with the header x-sollol-routing: true."),
);

export const routingField = { _routing: routingNote.optional().describe("Only if asked for.") };
