import * as z from "zod";
import {
  copyRequest,
  createRequest,
  deleteRequest,
  progressLine,
  transferRequest,
} from "../schema/ollama_management.ts";
import { PLACED } from "./gateway_headers.ts";
import { type Answer, JSON_REFUSALS, LINES, type Operation, type Parameter } from "./operation.ts";

const atNode: Parameter = {
  name: "x-sollol-node",
  in: "header",
  description:
    "Names or URLs of Ollama nodes with commas between, or * or all for every one that is up. Default: of a copy or a " +
    "deletion all that hold the model; of the rest one that holds it or its parts, or has most room.",
  schema: z.string(),
};

const digest: Parameter = {
  name: "digest",
  in: "path",
  description: "sha256: and 64 hexadecimal digits.",
  schema: z.string(),
};

const management = {
  tag: "Ollama models",
  method: "post",
  dialect: "ollama",
  parameters: [atNode],
  refusals: [
    ...JSON_REFUSALS,
    "forbidden",
    "not_found",
    "model_not_found",
    "upstream_failed",
    "backend_unreachable",
    "no_capacity",
    "upstream_timeout",
  ],
} as const;

const progress: Answer = {
  description: "Progress, line by line unless stream is false; a failure is the last line.",
  headers: PLACED,
  bodies: [{ schema: progressLine }, { schema: progressLine, type: LINES }],
};

/** Ollama's management of models. */
export const OLLAMA_MANAGEMENT_OPERATIONS: readonly Operation[] = [
  {
    ...management,
    id: "ollamaPull",
    path: "/api/pull",
    summary: "Fetches a model onto a node",
    body: { schema: transferRequest },
    answers: { 200: progress },
  },
  {
    ...management,
    id: "ollamaPush",
    path: "/api/push",
    summary: "Publishes a model from a node that holds it",
    body: { schema: transferRequest },
    answers: { 200: progress },
  },
  {
    ...management,
    id: "ollamaCreate",
    path: "/api/create",
    summary: "Makes a model on a node",
    body: { schema: createRequest },
    answers: { 200: progress },
  },
  {
    ...management,
    id: "ollamaCopy",
    path: "/api/copy",
    summary: "Gives a model a second name at the nodes that hold it",
    body: { schema: copyRequest },
    answers: { 200: { description: "Done.", headers: PLACED } },
  },
  {
    ...management,
    method: "delete",
    id: "ollamaDelete",
    path: "/api/delete",
    summary: "Deletes a model at the nodes that hold it",
    body: { schema: deleteRequest },
    answers: { 200: { description: "Done.", headers: PLACED } },
  },
  {
    ...management,
    method: "head",
    id: "ollamaHasBlob",
    path: "/api/blobs/{digest}",
    summary: "Tells whether a node has a blob",
    parameters: [digest, atNode],
    answers: { 200: { description: "It has.", headers: PLACED } },
  },
  {
    ...management,
    id: "ollamaPutBlob",
    path: "/api/blobs/{digest}",
    summary: "Gives a node a blob that a model is made from",
    parameters: [digest, atNode],
    body: { schema: z.string().meta({ format: "binary" }), type: "application/octet-stream" },
    answers: {
      200: { description: "It had it already.", headers: PLACED },
      201: { description: "It has it now.", headers: PLACED },
    },
  },
];
