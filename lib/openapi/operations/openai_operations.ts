import * as z from "zod";
import { chatAnswer, chatChunk, chatRequest } from "../schema/openai_chat.ts";
import { modelCard, modelList } from "../schema/openai_models.ts";
import { responsesAnswer, responsesEvent, responsesRequest } from "../schema/openai_responses.ts";
import {
  completionAnswer,
  completionRequest,
  embeddingAnswer,
  embeddingRequest,
  rerankAnswer,
  rerankRequest,
} from "../schema/openai_text.ts";
import { ROUTED } from "./gateway_headers.ts";
import { EVENTS, INFERENCE_REFUSALS, type Operation } from "./operation.ts";

const inference = {
  tag: "OpenAI",
  method: "post",
  dialect: "openai",
  isInference: true,
  refusals: INFERENCE_REFUSALS,
} as const;
const ranking = {
  ...inference,
  description: "Only models that a coordinator serves can; Ollama nodes do not rank.",
  body: { schema: rerankRequest },
  answers: { 200: { description: "The best first.", headers: ROUTED, bodies: [{ schema: rerankAnswer }] } },
} as const;
const FOR_BOTH =
  "For clients of Anthropic's API, too: to a request with an anthropic-version header errors are told as Anthropic tells them.";
const listing = { tag: "OpenAI", method: "get", dialect: "openai" } as const;

/** OpenAI's dialect. */
export const OPENAI_OPERATIONS: readonly Operation[] = [
  {
    ...inference,
    id: "createChatCompletion",
    path: "/v1/chat/completions",
    summary: "Answers a chat",
    description:
      "Goes to an Ollama node that holds the model, or to a coordinator that has it over several machines. While a stream " +
      "waits for a load, comments tell that it lives.",
    body: { schema: chatRequest },
    answers: {
      200: {
        description: "The answer, whole or as a stream.",
        headers: ROUTED,
        bodies: [{ schema: chatAnswer }, { schema: chatChunk, type: EVENTS }],
      },
    },
  },
  {
    ...inference,
    id: "createCompletion",
    path: "/v1/completions",
    summary: "Continues a text",
    body: { schema: completionRequest },
    answers: {
      200: {
        description: "The text as it goes on, whole or as a stream.",
        headers: ROUTED,
        bodies: [{ schema: completionAnswer }, { schema: completionAnswer, type: EVENTS }],
      },
    },
  },
  {
    ...inference,
    id: "createEmbedding",
    path: "/v1/embeddings",
    summary: "Turns texts into vectors",
    body: { schema: embeddingRequest },
    answers: { 200: { description: "The vectors.", headers: ROUTED, bodies: [{ schema: embeddingAnswer }] } },
  },
  {
    ...inference,
    id: "createResponse",
    path: "/v1/responses",
    summary: "Answers a chat, in the form of OpenAI's Responses API",
    description: "Nothing is kept: previous_response_id and conversation are refused.",
    body: { schema: responsesRequest },
    answers: {
      200: {
        description: "The answer, whole or as a stream.",
        headers: ROUTED,
        bodies: [{ schema: responsesAnswer }, { schema: responsesEvent, type: EVENTS }],
      },
    },
  },
  {
    ...ranking,
    id: "rerank",
    path: "/v1/rerank",
    summary: "Ranks documents by how well they suit a query",
  },
  {
    ...ranking,
    id: "reranking",
    path: "/v1/reranking",
    summary: "The same as /v1/rerank, by llama-server's other name",
  },
  {
    ...listing,
    id: "listModels",
    path: "/v1/models",
    summary: "Lists what can be asked for",
    description: FOR_BOTH,
    answers: { 200: { description: "All models.", bodies: [{ schema: modelList }] } },
  },
  {
    ...listing,
    id: "getModel",
    path: "/v1/models/{id}",
    summary: "Tells of one model",
    description: FOR_BOTH,
    parameters: [{
      name: "id",
      in: "path",
      description: "The model's name; slashes in it may stay as they are.",
      schema: z.string(),
    }],
    answers: { 200: { description: "The model.", bodies: [{ schema: modelCard }] } },
    refusals: ["model_not_found"],
  },
];
