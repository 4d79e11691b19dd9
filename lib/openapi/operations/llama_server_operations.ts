import * as z from "zod";
import {
  applyTemplateAnswer,
  applyTemplateRequest,
  detokenizeAnswer,
  detokenizeRequest,
  infillAnswer,
  infillRequest,
  props,
  slots,
  tokenizeAnswer,
  tokenizeRequest,
} from "../schema/llama_server.ts";
import { ROUTED } from "./gateway_headers.ts";
import { EVENTS, INFERENCE_REFUSALS, type Operation, type Parameter } from "./operation.ts";

const inference = {
  tag: "llama-server",
  method: "post",
  dialect: "openai",
  isInference: true,
  refusals: INFERENCE_REFUSALS,
} as const;

/** Nothing is loaded for who only looks. */
const LOOK_REFUSALS = ["invalid_request", "model_not_found", "conflict", "upstream_failed"] as const;

const model: Parameter = {
  name: "model",
  in: "query",
  description: "The model's name; may be left out where the gateway has a default.",
  schema: z.string(),
};

/** llama-server's own endpoints. */
export const LLAMA_SERVER_OPERATIONS: readonly Operation[] = [
  {
    ...inference,
    id: "tokenize",
    path: "/tokenize",
    summary: "Cuts a text into tokens",
    body: { schema: tokenizeRequest },
    answers: { 200: { description: "The tokens.", headers: ROUTED, bodies: [{ schema: tokenizeAnswer }] } },
  },
  {
    ...inference,
    id: "detokenize",
    path: "/detokenize",
    summary: "Joins tokens to a text",
    body: { schema: detokenizeRequest },
    answers: { 200: { description: "The text.", headers: ROUTED, bodies: [{ schema: detokenizeAnswer }] } },
  },
  {
    ...inference,
    id: "applyTemplate",
    path: "/apply-template",
    summary: "Makes a prompt of a chat",
    body: { schema: applyTemplateRequest },
    answers: {
      200: { description: "The prompt.", headers: ROUTED, bodies: [{ schema: applyTemplateAnswer }] },
    },
  },
  {
    ...inference,
    id: "infill",
    path: "/infill",
    summary: "Fills a gap in a text",
    body: { schema: infillRequest },
    answers: {
      200: {
        description: "The text, whole or as a stream.",
        headers: ROUTED,
        bodies: [{ schema: infillAnswer }, { schema: infillAnswer, type: EVENTS }],
      },
    },
  },
  {
    tag: "llama-server",
    method: "get",
    dialect: "openai",
    id: "props",
    path: "/props",
    summary: "Tells how a model is served",
    parameters: [model],
    answers: { 200: { description: "Its properties.", bodies: [{ schema: props }] } },
    refusals: LOOK_REFUSALS,
  },
  {
    tag: "llama-server",
    method: "get",
    dialect: "openai",
    id: "slots",
    path: "/slots",
    summary: "Tells what a model is at work on",
    parameters: [model],
    answers: { 200: { description: "Its slots.", bodies: [{ schema: slots }] } },
    refusals: LOOK_REFUSALS,
  },
];
