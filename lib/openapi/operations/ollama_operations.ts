import * as z from "zod";
import { generateLine, generateRequest, ollamaChatLine, ollamaChatRequest } from "../schema/ollama_chat.ts";
import { embedAnswer, embedRequest, oldEmbedAnswer, oldEmbedRequest } from "../schema/ollama_embed.ts";
import { cloudStatus, processes, shown, showRequest, tags, version } from "../schema/ollama_models.ts";
import { ROUTED } from "./gateway_headers.ts";
import { INFERENCE_REFUSALS, JSON_REFUSALS, LINES, type Operation } from "./operation.ts";

const inference = {
  tag: "Ollama",
  method: "post",
  dialect: "ollama",
  isInference: true,
  refusals: INFERENCE_REFUSALS,
} as const;
const listing = { tag: "Ollama", method: "get", dialect: "ollama" } as const;

/** Ollama's dialect, without the management of models. */
export const OLLAMA_OPERATIONS: readonly Operation[] = [
  {
    ...listing,
    id: "ollamaRoot",
    path: "/",
    access: "public",
    summary: "Tells that it runs, in the words that Ollama's clients look for",
    answers: {
      200: { description: "Ollama is running", bodies: [{ schema: z.string(), type: "text/plain" }] },
    },
  },
  {
    ...inference,
    id: "ollamaChat",
    path: "/api/chat",
    summary: "Answers a chat",
    description: "Without messages the model is loaded, or unloaded by keep_alive 0.",
    body: { schema: ollamaChatRequest },
    answers: {
      200: {
        description: "The answer, line by line unless stream is false.",
        headers: ROUTED,
        bodies: [{ schema: ollamaChatLine }, { schema: ollamaChatLine, type: LINES }],
      },
    },
  },
  {
    ...inference,
    id: "ollamaGenerate",
    path: "/api/generate",
    summary: "Answers a prompt",
    description: "Without a prompt the model is loaded, or unloaded by keep_alive 0.",
    body: { schema: generateRequest },
    answers: {
      200: {
        description: "The answer, line by line unless stream is false.",
        headers: ROUTED,
        bodies: [{ schema: generateLine }, { schema: generateLine, type: LINES }],
      },
    },
  },
  {
    ...inference,
    id: "ollamaEmbed",
    path: "/api/embed",
    summary: "Turns texts into vectors",
    body: { schema: embedRequest },
    answers: { 200: { description: "The vectors.", headers: ROUTED, bodies: [{ schema: embedAnswer }] } },
  },
  {
    ...inference,
    id: "ollamaEmbeddings",
    path: "/api/embeddings",
    summary: "Turns one text into a vector, in Ollama's old form",
    body: { schema: oldEmbedRequest },
    answers: { 200: { description: "The vector.", headers: ROUTED, bodies: [{ schema: oldEmbedAnswer }] } },
  },
  {
    ...listing,
    id: "ollamaTags",
    path: "/api/tags",
    summary: "Lists what can be asked for",
    answers: { 200: { description: "All models.", bodies: [{ schema: tags }] } },
  },
  {
    ...listing,
    id: "ollamaProcesses",
    path: "/api/ps",
    summary: "Lists models in memory",
    answers: { 200: { description: "Of all nodes, and of coordinators.", bodies: [{ schema: processes }] } },
  },
  {
    ...listing,
    method: "post",
    id: "ollamaShow",
    path: "/api/show",
    summary: "Tells all of one model",
    body: { schema: showRequest },
    answers: { 200: { description: "The model.", bodies: [{ schema: shown }] } },
    refusals: [
      ...JSON_REFUSALS,
      "model_not_found",
      "model_unusable",
      "upstream_failed",
      "backend_unreachable",
    ],
  },
  {
    ...listing,
    id: "ollamaVersion",
    path: "/api/version",
    summary: "Tells which Ollama clients may take this for",
    answers: { 200: { description: "The version.", bodies: [{ schema: version }] } },
  },
  {
    ...listing,
    id: "ollamaStatus",
    path: "/api/status",
    summary: "Tells that Ollama's cloud is not to be had here",
    answers: { 200: { description: "It is switched off.", bodies: [{ schema: cloudStatus }] } },
  },
];
