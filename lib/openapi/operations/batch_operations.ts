import * as z from "zod";
import {
  batch,
  batchList,
  file,
  fileDeleted,
  fileList,
  manyAnswer,
  manyEvent,
  manyRequest,
  newBatch,
  upload,
} from "../schema/batches.ts";
import { EVENTS, JSON_REFUSALS, type Operation, type Parameter } from "./operation.ts";

const common = { tag: "Batches", dialect: "openai" } as const;

const limit: Parameter = {
  name: "limit",
  in: "query",
  description: "The most entries.",
  schema: z.int().min(1),
};
const after: Parameter = {
  name: "after",
  in: "query",
  description: "The last_id of the page before.",
  schema: z.string(),
};
const fileId: Parameter = { name: "id", in: "path", description: "The file's id.", schema: z.string() };
const batchId: Parameter = { name: "id", in: "path", description: "The batch's id.", schema: z.string() };

/** Several requests at once, files and batches. */
export const BATCH_OPERATIONS: readonly Operation[] = [
  {
    ...common,
    method: "post",
    id: "runMany",
    path: "/api/batch",
    summary: "Answers several requests at once, while their client waits",
    body: { schema: manyRequest },
    answers: {
      200: {
        description:
          "All answers; or events, each answer as soon as it is there, if stream is true or Accept says so.",
        bodies: [{ schema: manyAnswer }, { schema: manyEvent, type: EVENTS }],
      },
    },
    refusals: [...JSON_REFUSALS, "rate_limited"],
  },
  {
    ...common,
    method: "post",
    id: "uploadFile",
    path: "/v1/files",
    summary: "Keeps a file with requests",
    body: { schema: upload, type: "multipart/form-data" },
    answers: { 200: { description: "The file.", bodies: [{ schema: file }] } },
    refusals: JSON_REFUSALS,
  },
  {
    ...common,
    method: "get",
    id: "listFiles",
    path: "/v1/files",
    summary: "Lists the files",
    parameters: [limit, after, {
      name: "purpose",
      in: "query",
      description: "Only those for this.",
      schema: z.enum(["batch", "batch_output"]),
    }],
    answers: { 200: { description: "A page of them.", bodies: [{ schema: fileList }] } },
    refusals: ["invalid_request"],
  },
  {
    ...common,
    method: "get",
    id: "getFile",
    path: "/v1/files/{id}",
    summary: "Tells of a file",
    parameters: [fileId],
    answers: { 200: { description: "The file.", bodies: [{ schema: file }] } },
    refusals: ["not_found"],
  },
  {
    ...common,
    method: "delete",
    id: "deleteFile",
    path: "/v1/files/{id}",
    summary: "Deletes a file",
    parameters: [fileId],
    answers: { 200: { description: "It is gone.", bodies: [{ schema: fileDeleted }] } },
    refusals: ["not_found", "conflict"],
  },
  {
    ...common,
    method: "get",
    id: "readFile",
    path: "/v1/files/{id}/content",
    summary: "Gives what is in a file",
    parameters: [fileId],
    answers: {
      200: {
        description: "A JSON object a line.",
        bodies: [{ schema: z.string().meta({ format: "binary" }), type: "application/octet-stream" }],
      },
    },
    refusals: ["not_found"],
  },
  {
    ...common,
    method: "post",
    id: "createBatch",
    path: "/v1/batches",
    summary: "Has the requests of a file run in the background",
    description: "A batch outlives its client, and a restart of the gateway.",
    body: { schema: newBatch },
    answers: { 200: { description: "The batch.", bodies: [{ schema: batch }] } },
    refusals: [...JSON_REFUSALS, "not_found", "conflict", "rate_limited"],
  },
  {
    ...common,
    method: "get",
    id: "listBatches",
    path: "/v1/batches",
    summary: "Lists the batches",
    parameters: [limit, after],
    answers: { 200: { description: "A page of them.", bodies: [{ schema: batchList }] } },
    refusals: ["invalid_request"],
  },
  {
    ...common,
    method: "get",
    id: "getBatch",
    path: "/v1/batches/{id}",
    summary: "Tells how far a batch is",
    parameters: [batchId],
    answers: { 200: { description: "The batch.", bodies: [{ schema: batch }] } },
    refusals: ["not_found"],
  },
  {
    ...common,
    method: "post",
    id: "cancelBatch",
    path: "/v1/batches/{id}/cancel",
    summary: "Ends a batch; what is done is kept",
    parameters: [batchId],
    answers: { 200: { description: "The batch.", bodies: [{ schema: batch }] } },
    refusals: ["not_found", "conflict"],
  },
];
