import * as z from "zod";
import { component } from "./component.ts";
import { keepAlive, samplingFields } from "./model_options.ts";
import { answerHead, finishReason, openaiUsage, timingsField } from "./openai_chat.ts";
import { routingField } from "./routing_note.ts";

export const completionRequest = component(
  "OpenaiCompletionRequest",
  z.looseObject({
    model: z.string().nullish().describe(
      "The model's name; may be left out where the gateway has a default.",
    ),
    prompt: z.union([z.string(), z.array(z.unknown())]).describe(
      "A text, a list of texts, or a list of tokens.",
    ),
    suffix: z.string().nullish().describe("What comes behind the answer; only models that insert can."),
    stream: z.boolean().nullish().describe("Whether the answer comes as events. Default: false."),
    stream_options: z.looseObject({
      include_usage: z.boolean().nullish().describe("Whether the last chunk tells what the answer took."),
    }).nullish().describe("Of a stream."),
    max_tokens: z.number().nullish().describe("Most tokens of the answer."),
    ...samplingFields,
    n: z.int().nullish().describe("How many answers are wanted; Ollama nodes give one."),
    logprobs: z.union([z.int(), z.boolean()]).nullish().describe(
      "How many likely tokens are told at each place.",
    ),
    keep_alive: keepAlive,
  }).describe("A text to be continued. Fields that are not known here reach the upstream as they are."),
);

const textChoice = z.looseObject({
  text: z.string().describe("The text, or what is new of it."),
  index: z.int().describe("Which answer, from 0."),
  finish_reason: finishReason,
  logprobs: z.unknown().optional().describe("Only if asked for."),
});

export const completionAnswer = component(
  "OpenaiCompletionAnswer",
  z.object({
    ...answerHead,
    object: z.literal("text_completion").describe("What it is."),
    choices: z.array(textChoice).describe("The answers; empty in an event that tells the usage."),
    usage: openaiUsage.nullish().describe("What it took."),
    ...timingsField,
    ...routingField,
  }).describe("A text as it goes on: whole, or one event of a stream, which ends with data: [DONE]."),
);

export const embeddingRequest = component(
  "OpenaiEmbeddingRequest",
  z.looseObject({
    model: z.string().nullish().describe(
      "The model's name; may be left out where the gateway has a default.",
    ),
    input: z.union([z.string(), z.array(z.unknown()).min(1)]).describe(
      "A text, or texts. Coordinators take lists of tokens, too.",
    ),
    encoding_format: z.enum(["float", "base64"]).nullish().describe(
      "How vectors are written. Default: float.",
    ),
    dimensions: z.int().nullish().describe("How long vectors are; Ollama nodes cut them."),
    keep_alive: keepAlive,
  }).describe(
    "Texts to be embedded. Several may be shared out among nodes; the answer is one, in their order.",
  ),
);

export const embeddingAnswer = component(
  "OpenaiEmbeddingAnswer",
  z.object({
    object: z.literal("list").describe("What it is."),
    model: z.string().describe("As the request named it."),
    data: z.array(z.looseObject({
      object: z.literal("embedding").describe("What it is."),
      index: z.int().describe("Which input it is of, from 0."),
      embedding: z.union([z.array(z.number()), z.string()]).describe(
        "The vector; text if base64 was asked for.",
      ),
    })).describe("One for each input, in their order."),
    usage: openaiUsage.optional().describe("What it took."),
    ...routingField,
  }).describe("Vectors."),
);

export const rerankRequest = component(
  "RerankRequest",
  z.looseObject({
    model: z.string().nullish().describe("The model's name; one that ranks."),
    query: z.string().describe("What is looked for."),
    documents: z.array(z.string()).min(1).nullish().describe("Where it is looked for."),
    texts: z.array(z.string()).min(1).nullish().describe(
      "Instead of documents, as text embeddings inference says it; its answer is a list.",
    ),
    top_n: z.int().nullish().describe("So many of the best are told. Default: all."),
    return_text: z.boolean().nullish().describe("With texts: whether results repeat them. Default: false."),
    keep_alive: keepAlive,
  }).describe("Documents to be ranked."),
);

export const rerankAnswer = component(
  "RerankAnswer",
  z.union([
    z.object({
      model: z.string().optional().describe("As the request named it."),
      object: z.literal("list").optional().describe("What it is."),
      results: z.array(z.object({
        index: z.int().describe("Which document, from 0."),
        relevance_score: z.number().describe("The higher the better."),
        document: z.unknown().optional().describe("The document, where it is repeated."),
      })).describe("The best first."),
      usage: openaiUsage.optional().describe("What it took."),
      ...routingField,
    }),
    z.array(z.object({
      index: z.int().describe("Which text, from 0."),
      score: z.number().describe("The higher the better."),
      text: z.string().optional().describe("If asked for."),
    })),
  ]).describe("How well documents suit a query; a list if texts were sent."),
);
