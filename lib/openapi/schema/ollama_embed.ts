import * as z from "zod";
import { component } from "./component.ts";
import { keepAlive, ollamaTimes, optionsField } from "./model_options.ts";
import { modelName } from "./ollama_chat.ts";
import { routingField } from "./routing_note.ts";

const vector = z.array(z.number());
const common = { model: modelName, options: optionsField, keep_alive: keepAlive };

export const embedRequest = component(
  "OllamaEmbedRequest",
  z.looseObject({
    ...common,
    input: z.union([z.string(), z.array(z.string())]).nullish().describe(
      "A text, or texts; none loads the model.",
    ),
    truncate: z.boolean().nullish().describe(
      "Whether what is too long is cut, and not refused. Default: true.",
    ),
    dimensions: z.int().nullish().describe("How long vectors are to be: longer ones are cut."),
  }).describe("Texts to be embedded."),
);

export const embedAnswer = component(
  "OllamaEmbedAnswer",
  z.object({
    model: z.string().describe("As the request named it."),
    embeddings: z.array(vector).describe("One vector of length 1 for each input, in their order."),
    ...ollamaTimes,
    ...routingField,
  }).describe("Vectors."),
);

export const oldEmbedRequest = component(
  "OllamaOldEmbedRequest",
  z.looseObject({ ...common, prompt: z.string().nullish().describe("The text; none loads the model.") })
    .describe("One text to be embedded, in Ollama's old form."),
);

export const oldEmbedAnswer = component(
  "OllamaOldEmbedAnswer",
  z.object({ embedding: vector.describe("The vector."), ...routingField }).describe("One vector."),
);
